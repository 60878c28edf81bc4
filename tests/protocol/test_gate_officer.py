"""What an officer is told of a referral: the document wherever it may be opened, and everything that does not hold."""

import dataclasses
from typing import Any

import pytest

from idp.protocol.gate_decisions import Refer, Refuse
from idp.protocol.refusals import Reason
from idp.protocol.strict_json import b64encode
from tests.simulators.gate import CN, HK, NOW, GateSimulator, MemoryLedger, key

TOKEN = (CN, b64encode(bytes(range(16))))
STALE = dataclasses.replace(GateSimulator(), status_issued_at=NOW - 300)


def refer(world: GateSimulator, raw: bytes | str | None = None) -> Refer:
    decision = world.decide(raw)
    assert isinstance(decision, Refer), decision
    return decision


def tried() -> GateSimulator:
    return GateSimulator(ledger=MemoryLedger(tries={TOKEN: 3}))


@pytest.mark.parametrize(
    ("world", "reason", "step"),
    [(STALE, Reason.STATUS_STALE, 5), (tried(), Reason.ATTEMPTS_EXCEEDED, 7)],
    ids=["status_stale", "attempts_exceeded"],
)
def test_token_referred_before_it_was_opened_is_opened_for_the_officer(
    world: GateSimulator, reason: Reason, step: int
) -> None:
    """An officer who sees no document can only send everybody away, a lane with an old status list all day long."""
    decision = refer(world)
    assert (decision.reason, decision.step, decision.also) == (reason, step, ())
    assert decision.document is not None
    assert decision.document.name_native == "陳大文"
    assert decision.reservation is not None


def test_watch_list_speaks_also_where_an_earlier_step_decided() -> None:
    """An officer would wave a person through whom the authority looks for, because the status was old."""
    world = dataclasses.replace(STALE, watched=("CA1234567",))
    assert refer(world).also == (Reason.WATCHLIST,)
    closed = {"opening": [{"days": [1], "from": "06:30", "until": "10:00"}]}
    both = dataclasses.replace(GateSimulator(), watched=("CA1234567",), bundle_claims=closed)
    decision = refer(both)
    assert (decision.reason, decision.also) == (Reason.WATCHLIST, (Reason.CHECKPOINT_CLOSED,))


@pytest.mark.parametrize(
    "changes",
    [
        {"proof": {"holder": key("a thief's")}},
        {"proof": {"aud": f"{HK}/checkpoints/other"}},
        {"token": {"recipient": key("another gate's")}},
        {"ledger": MemoryLedger(admissions={TOKEN})},
    ],
    ids=["stolen", "for another gate", "sealed elsewhere", "admitted before"],
)
def test_what_does_not_hold_otherwise_stays_closed(changes: dict[str, Any]) -> None:
    """A photographed code would show its holder's name on the officer's screen, and could be released."""
    world = dataclasses.replace(STALE, ledger=changes.get("ledger", MemoryLedger()))
    raw = world.present(world.token(**changes.get("token", {})), **changes.get("proof", {}))
    decision = refer(world, raw)
    assert (decision.reason, decision.document, decision.also) == (Reason.STATUS_STALE, None, ())


def test_refusal_opens_nothing() -> None:
    """A revoked token is nobody's to look into."""
    world = dataclasses.replace(STALE, revoked={CN: {5}})
    decision = world.decide()
    assert isinstance(decision, Refuse)
    assert decision.document is None
