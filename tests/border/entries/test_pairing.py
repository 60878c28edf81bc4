"""Which exit and entry are one way: from the facts alone, in whatever order they came."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.border.entries.pairing import LONGEST_WAY, REACH, SKEW, Half, pair

DIRECTIONS = st.sampled_from(["exit", "entry"])
HALVES = st.lists(st.tuples(DIRECTIONS, st.integers(0, 4 * LONGEST_WAY)), max_size=12)


def halves(facts: list[tuple[str, int]]) -> list[Half]:
    return [Half(key, direction, at) for key, (direction, at) in enumerate(facts)]


@pytest.mark.parametrize(
    ("facts", "pairs"),
    [
        ([("exit", 0), ("entry", 600)], {1: 0}),
        ([("entry", 600), ("exit", 0)], {0: 1}),
        ([("entry", 0), ("exit", SKEW)], {0: 1}),  # the clocks differ
        ([("entry", 0), ("exit", SKEW + 1)], {}),
        ([("exit", 0), ("entry", LONGEST_WAY)], {1: 0}),
        ([("exit", 0), ("entry", LONGEST_WAY + 1)], {}),
        ([("exit", 0), ("exit", 3600), ("entry", 7200)], {2: 1}),
        ([("exit", 0), ("entry", 3600), ("entry", 7200)], {1: 0}),
        ([("exit", 0), ("entry", 100), ("exit", 5000), ("entry", 5100)], {1: 0, 3: 2}),
    ],
)
def test_what_lies_next_to_each_other_is_a_pair(facts: list[tuple[str, int]], pairs: dict[int, int]) -> None:
    assert pair(halves(facts)) == pairs


@given(HALVES, st.randoms())
def test_the_order_in_which_they_came_decides_nothing(facts: list[tuple[str, int]], random: st.DataObject) -> None:
    """Books that depend on the order of receipts never agree with the other side's."""
    given_order = halves(facts)
    shuffled = list(given_order)
    random.shuffle(shuffled)
    assert pair(given_order) == pair(shuffled)


@given(HALVES)
def test_nobody_is_in_two_pairs(facts: list[tuple[str, int]]) -> None:
    by_key = {half.key: half for half in halves(facts)}
    found = pair(by_key.values())
    assert len(set(found.values())) == len(found)
    for entry, exit_ in found.items():
        assert (by_key[entry].direction, by_key[exit_].direction) == ("entry", "exit")
        assert -SKEW <= by_key[entry].at - by_key[exit_].at <= LONGEST_WAY


@given(HALVES, DIRECTIONS, st.integers(0, 4 * LONGEST_WAY))
def test_what_is_out_of_reach_changes_nothing(facts: list[tuple[str, int]], direction: str, at: int) -> None:
    """Only what lies within reach of a new crossing is read: what it changes must lie there."""
    before = halves(facts)
    after = [*before, Half(len(before), direction, at)]
    changed = pair(before).items() ^ pair(after).items()
    by_key = {half.key: half for half in after}
    assert all(abs(by_key[key].at - at) <= REACH for both in changed for key in both)


def test_a_visit_may_be_as_long_as_it_likes() -> None:
    assert pair(halves([("exit", 0), ("entry", 100 * LONGEST_WAY)]), longest=None) == {1: 0}
