"""What a bundle says of its checkpoint: a member misread is a gate that is too open or shut."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol.gate_policy import parse_checkpoint, parse_policy
from idp.protocol.refusals import Reason, Refusal

CHECKPOINT: dict[str, Any] = {
    "name": {"en": "Lo Wu", "zh-Hant": "羅湖"},
    "jurisdiction": "HKG",
    "neighbour": "CHN",
    "directions": ["exit", "entry"],
    "modes": ["time"],
    "liveness": True,
}
POLICY: dict[str, Any] = {
    "max_age": {"bundle": 86_400, "status": 120},
    "on_stale_status": "refer",
    "face": {"toy": {"admit": 0.6, "refer": 0.4}},
    "max_attempts": 3,
}


def test_leg_follows_the_direction() -> None:
    """An exit goes to the neighbour, an entry comes from there; the other way round every token is refused."""
    checkpoint = parse_checkpoint(CHECKPOINT)
    assert (checkpoint.leg("exit"), checkpoint.leg("entry")) == (("HKG", "CHN"), ("CHN", "HKG"))


def test_liveness_is_asked_for_unless_it_is_waived() -> None:
    """A checkpoint that forgets to say must not take photographs of faces."""
    assert parse_checkpoint({name: value for name, value in CHECKPOINT.items() if name != "liveness"}).liveness
    assert not parse_checkpoint({**CHECKPOINT, "liveness": False}).liveness


def test_no_policy_lets_a_bundle_live_longer_than_a_day() -> None:
    """protocol.md: a lane that is cut off decides for 24 h."""
    policy = parse_policy({**POLICY, "max_age": {"bundle": 10**6, "status": 10**6}})
    assert (policy.max_bundle_age, policy.max_status_age) == (86_400, 86_400)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Lo Wu"},
        {"name": {"en": 1}},
        {"jurisdiction": "TWN"},
        {"neighbour": "HKG"},
        {"neighbour": ["CHN"]},
        {"directions": []},
        {"directions": ["both"]},
        {"directions": "exit"},
        {"modes": ["time", {}]},
        {"liveness": 1},
    ],
    ids=str,
)
def test_checkpoint_that_cannot_be_read_is_refused(changes: dict[str, Any]) -> None:
    """invalid solely because of the member named."""
    with pytest.raises(Refusal):
        parse_checkpoint({**CHECKPOINT, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"max_age": 120},
        {"max_age": {"bundle": 86_400}},
        {"max_age": {"bundle": 86_400, "status": -1}},
        {"on_stale_status": "admit"},
        {"on_stale_status": ["refer"]},
        {"face": []},
        {"face": {"toy": {"admit": 0.4, "refer": 0.6}}},
        {"face": {"toy": {"admit": True, "refer": 0.4}}},
        {"face": {"toy": {"admit": float("inf"), "refer": 0.4}}},
        {"face": {"toy": {"admit": 0.6}}},
        {"face": {str(number): {"admit": 1, "refer": 1} for number in range(17)}},
        {"max_attempts": 0},
        {"max_attempts": "3"},
    ],
    ids=str,
)
def test_policy_that_cannot_be_read_is_refused(changes: dict[str, Any]) -> None:
    """invalid solely because of the member named; thresholds that are swapped would admit what should be looked at."""
    with pytest.raises(Refusal):
        parse_policy({**POLICY, **changes})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=10,
)


@given(st.sampled_from([*CHECKPOINT, *POLICY]), json_values)
def test_only_refusals_come_out(name: str, value: object) -> None:
    """A bundle that raises something else would end as an internal error."""
    read, sound = (parse_checkpoint, CHECKPOINT) if name in CHECKPOINT else (parse_policy, POLICY)
    try:
        read({**sound, name: value})
    except Refusal as refusal:
        assert refusal.reason is Reason.MALFORMED


@pytest.mark.parametrize(
    ("value", "reasons"),
    [(True, set(Reason)), (False, set()), ([], set()), (["watchlist", "revoked"], {Reason.WATCHLIST, Reason.REVOKED})],
    ids=["all", "none", "an empty list", "two reasons"],
)
def test_four_eyes_are_for_all_for_none_or_for_some_reasons(value: object, reasons: set[Reason]) -> None:
    assert parse_policy({**POLICY, "four_eyes": value}).four_eyes == reasons
    assert parse_policy(POLICY).four_eyes == set()


@pytest.mark.parametrize("value", [None, "watchlist", 1, ["watch list"], [True], {"watchlist": True}], ids=str)
def test_four_eyes_that_cannot_be_read_are_refused(value: object) -> None:
    """invalid solely because of the value: a reason misspelt would let one officer release what needs two."""
    with pytest.raises(Refusal):
        parse_policy({**POLICY, "four_eyes": value})
