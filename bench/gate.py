"""What a decision at the gate costs, beside the bare cryptography in it.

A decision is steps 0 to 9 for a border token as CWT out of a QR code's text, under a bundle of three issuers with
status lists of 100,000 entries. The bare cost is two ES256 verifications and one ECDH with keys already loaded. Both
are measured in turns, a few of each at a time, so that whatever else the machine does meets both alike.
"""

import gc
import hashlib
import statistics
import time
from collections.abc import Callable
from typing import Any, cast

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from idp.protocol import gate
from idp.protocol.gate_decisions import Examined
from tests.simulators.gate import CN, HK, MO, GateSimulator, border_key, holder_key, key, sealing_key

ROUNDS, BURST = 300, 10
STATUS_ENTRIES = 100_000
TOKENS = 50  # different ones, so that nothing is remembered from the one before


def run() -> dict[str, Any]:
    """``{"figures", "ratios"}``: times in ms, and the rate of decisions over the rate of the bare cryptography."""
    decide, bare = _decisions(), _bare()
    for _ in range(BURST):  # imports, caches of keys
        decide()
        bare()
    gc.collect()
    gc.freeze()  # as a lane does when it is up: what lives for ever is not looked through at every collection
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(ROUNDS):
        ours.extend(_times(decide))
        theirs.extend(_times(bare))
    decision, cost = statistics.median(ours), statistics.median(theirs)
    return {
        "figures": {
            "decision_ms": round(decision, 3),
            "p99_ms": round(statistics.quantiles(ours, n=100)[98], 3),
            "bare_ms": round(cost, 3),
            "bare_p99_ms": round(statistics.quantiles(theirs, n=100)[98], 3),
            "decision_over_bare": round(decision / cost, 2),
            "decisions": len(ours),
        },
        "ratios": {"decision_vs_bare_cryptography": round(cost / decision, 3)},
    }


def _times(call: Callable[[], None]) -> list[float]:
    found = []
    for _ in range(BURST):
        start = time.perf_counter_ns()
        call()
        found.append((time.perf_counter_ns() - start) / 1e6)
    return found


def _decisions() -> Callable[[], None]:
    world = GateSimulator(issuers=(HK, CN, MO), list_size=STATUS_ENTRIES)
    bundle, lane, ledger, now = world.load(), world.lane(), world.ledger, world.now
    shown = [
        world.present(world.token(jti=hashlib.sha256(bytes([number])).digest()[:16], status_idx=number * 1999 % 99_991))
        for number in range(TOKENS)
    ]
    turn = 0

    def decide() -> None:
        nonlocal turn
        turn = (turn + 1) % TOKENS
        outcome = gate.examine(shown[turn], bundle=bundle, lane=lane, ledger=ledger, now=now)
        if not isinstance(outcome, Examined):
            raise TypeError(f"the gate answered {outcome.reason} at step {outcome.step}")

    return decide


def _bare() -> Callable[[], None]:
    message, algorithm = bytes(range(250)), ec.ECDSA(hashes.SHA256())
    signed = []
    for private in (border_key(CN), holder_key()):
        raw = cast(ec.EllipticCurvePrivateKey, private.raw)
        signed.append((raw.public_key(), raw.sign(message, algorithm)))
    own = cast(ec.EllipticCurvePrivateKey, sealing_key().raw)
    other = cast(ec.EllipticCurvePrivateKey, key("ephemeral").raw).public_key()

    def bare() -> None:
        for public, signature in signed:
            public.verify(signature, message, algorithm)
        own.exchange(ec.ECDH(), other)

    return bare


if __name__ == "__main__":
    print(run())
