"""The state of a joint gate: released only by both, and neither side's verdict depends on the other's reason."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol import gate
from idp.protocol.gate_decisions import REFUSED, Admit, Decision, Examined, Refer, Refuse
from idp.protocol.joint import SIDES, CrossingSession, Side, not_released
from idp.protocol.refusals import Reason
from tests.simulators.gate import NOW, GateSimulator, MemoryLedger, face

WORLD = GateSimulator()
_EXAMINED = gate.examine(
    WORLD.present(WORLD.token()), bundle=WORLD.load(), lane=WORLD.lane(), ledger=MemoryLedger(), now=NOW
)
assert isinstance(_EXAMINED, Examined)
EXAMINED: Examined = _EXAMINED
_ADMIT = gate.compare(EXAMINED, face=face())
assert isinstance(_ADMIT, Admit)
ADMIT: Admit = _ADMIT
NOT: list[Decision] = [Refuse(reason, 5) if reason in REFUSED else Refer(reason, 9) for reason in Reason]
DECISIONS: list[Decision] = [ADMIT, *NOT]
decisions = st.sampled_from(DECISIONS)


def ended(exit_: Decision, entry: Decision) -> CrossingSession:
    return CrossingSession(exit=exit_, entry=entry)


@pytest.mark.parametrize(("exit_", "entry"), list(product(DECISIONS, DECISIONS)))
def test_only_both_release_and_neither_learns_the_others_reason(exit_: Decision, entry: Decision) -> None:
    """The one rule of a joint gate, over every pair of decisions that there is."""
    session = ended(exit_, entry)
    assert session.release is (exit_ is ADMIT and entry is ADMIT)
    for side in SIDES:
        own = session.of(side)
        if own is not ADMIT:
            assert session.verdict(side) is own
        elif session.release:
            assert session.verdict(side) is ADMIT
        else:
            assert session.verdict(side) == not_released(ADMIT)


@given(st.sampled_from(SIDES), decisions, decisions, decisions)
def test_verdict_of_one_side_says_of_the_other_whether_it_admitted_and_no_more(
    side: Side, own: Decision, one: Decision, other: Decision
) -> None:
    """Whatever two reasons the other side may have had, this side writes the same bytes."""

    def said(foreign: Decision) -> Decision:
        return (ended(own, foreign) if side == "exit" else ended(foreign, own)).verdict(side)

    if isinstance(one, Admit) is isinstance(other, Admit):
        assert said(one) == said(other)


def test_record_of_a_shut_door_is_of_the_same_token_and_consumes_nothing() -> None:
    """An officer must be able to let the traveller through by hand, and find the token in the journal."""
    found = not_released(ADMIT)
    assert (found.reason, found.iss, found.jti) == (Reason.NOT_RELEASED, ADMIT.crossing.iss, ADMIT.crossing.jti)
    assert (found.document, found.reservation) == (ADMIT.crossing.document, ADMIT.crossing.reservation)
    assert Reason.NOT_RELEASED not in REFUSED


steps = st.lists(
    st.tuples(
        st.sampled_from(["shown", "decided", "unwritten"]),
        st.sampled_from(SIDES),
        st.sampled_from([EXAMINED, ADMIT, NOT[0], NOT[-1]]),
    ),
    max_size=10,
)


@given(steps)
def test_no_order_of_steps_releases_without_both_admissions(walk: list[tuple[str, Side, Examined | Decision]]) -> None:
    """Codes and faces come in any order, twice or never: a step out of turn is an error and changes nothing."""
    session, admitted = CrossingSession(), {"exit": False, "entry": False}
    for act, side, outcome in walk:
        own = session.of(side)
        allowed = {
            "shown": own is None,
            "decided": isinstance(own, Examined),
            "unwritten": isinstance(own, Admit),
        }[act]
        if not allowed:
            with pytest.raises(RuntimeError):
                getattr(session, act)(side, outcome)
            continue
        session = getattr(session, act)(side, outcome)
        admitted[side] = outcome is ADMIT
        assert session.release is all(admitted.values())
        if session.missing or session.waiting:
            with pytest.raises(RuntimeError):
                session.verdict(side)
