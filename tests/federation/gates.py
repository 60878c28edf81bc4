"""A lane of this node's own checkpoint: the real store of trust, fed with real bundles, over the gate's real steps."""

import json
from collections.abc import Callable
from pathlib import Path

from idp.checkpoint.config import DATABASE, LaneConfig
from idp.checkpoint.store import Store
from idp.checkpoint.trust import Trust
from idp.federation import bundles, signing, status_lists
from idp.protocol import gate
from idp.protocol.gate_decisions import Examined, Lane
from idp.protocol.keys import PrivateKey
from idp.protocol.refusals import Refusal
from idp.protocol.trust_bundle import TrustBundle
from idp.protocol.watch_list import EMPTY
from tests.simulators.gate import MODEL, RULES, GateSimulator, MemoryLedger, sealing_key

NODE = "http://hk.localhost:8002"
CHECKPOINT = f"{NODE}/checkpoints/lo-wu"
ADMITTED = "admitted"
FACTS = {
    "name": {"en": "Lo Wu"},
    "directions": ["exit", "entry"],
    "jurisdiction": "HKG",
    "neighbour": "CHN",
    "modes": ["time"],
    "liveness": True,
}
POLICY = {
    "max_age": {"bundle": 86_400, "status": 120},
    "on_stale_status": "admit_and_mark",  # a lane that is cut off works on, so that only keys decide here
    "face": {MODEL: {"admit": 0.9, "refer": 0.5}},
    "max_attempts": 3,
}


class LaneOfOurs:
    """Enrolled when it is made, without a bundle; ``clock`` is the node's."""

    def __init__(self, directory: Path, clock: Callable[[], int]) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.clock = clock
        config = LaneConfig(
            directory=directory,
            sealing_directory=directory / "sealing",
            node=NODE,
            checkpoint=CHECKPOINT,
            checkpoint_code="lo-wu",
            names=FACTS["name"],  # type: ignore[arg-type]
            lane="1",
            direction="entry",
            anchor_keys=signing.published("federation", now=clock()),
            watch_key=bytes(range(32)),
        )
        self.trust = Trust(config, Store(directory / DATABASE, clock), clock)

    def poll(self) -> TrustBundle:
        """Fetch the node's bundle now and take it; raises `Refusal` where it does not hold."""
        return self.trust.take(json.dumps(bundle(self.clock())), "")

    def knows(self) -> TrustBundle:
        """The bundle in force."""
        held = self.trust.bundle()
        assert held is not None, "the lane is locked out"
        return held

    def tries(self, token: bytes | str) -> str:
        """Steps 0 to 9 for this token now: `ADMITTED`, or the reason why not."""
        now = self.clock()
        lane = Lane(
            checkpoint=CHECKPOINT,
            lane="1",
            direction="entry",
            sealing_keys=(sealing_key(),),
            watch_key=bytes(range(32)),
            challenge=lambda: None,
        )
        raw = GateSimulator(now=now).present(token, aud=CHECKPOINT)
        found = gate.examine(raw, bundle=self.trust.bundle(), lane=lane, ledger=MemoryLedger(), now=now)
        return ADMITTED if isinstance(found, Examined) else found.reason.value

    def refuses_bundle(self, text: str) -> str:
        """Why a bundle is not taken; empty where it is."""
        try:
            self.trust.take(text, "")
        except Refusal as refusal:
            return refusal.reason.value
        return ""


def bundle(now: int) -> dict[str, str]:
    """The checkpoint's bundle as the node serves it."""
    return bundles.build(
        checkpoint_entity_id=CHECKPOINT, checkpoint=FACTS, policy=POLICY, rules=RULES, watchlist=EMPTY.claim(), now=now
    )


def own_token(now: int, *, form: str = "cwt", key: PrivateKey | None = None) -> bytes | str:
    """A border token of this node for a resident on the way home, by the active border key or by ``key``."""
    uri, idx = status_lists.allocate(expires_at=now + 1_800, now=now)
    signer = key or signing.private_key("border")
    token: bytes | str = GateSimulator(now=now).token(
        form,
        sealed={"endorsement": None},
        iss=NODE,
        aud=CHECKPOINT,
        document_type="hkid",
        signer=signer,
        status_uri=uri,
        status_idx=idx,
    )
    return token


def peer_token(now: int, issuer: str, key: PrivateKey, *, form: str = "cwt", list_name: str = "1") -> bytes | str:
    """A border token of the mainland for one of its travellers."""
    uri = f"{issuer}/status/{list_name}"
    return GateSimulator(now=now).token(form, iss=issuer, aud=CHECKPOINT, signer=key, status_uri=uri)
