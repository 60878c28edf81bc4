"""Random histories are possible ones: nobody is in two places, and what the books expect follows from the histories."""

from collections import defaultdict
from datetime import timedelta

import hypothesis
from hypothesis import strategies as st

from tests.simulation.histories import FIRST_DAY, LEAVES, REMEMBERED, SORTS, History, Traveller, Way, is_good
from tests.simulation.orders import Leave, Person
from tests.simulation.places import between


@hypothesis.given(st.text(max_size=8), st.integers(5, 60), st.integers(2, 40))
@hypothesis.settings(max_examples=20)
def test_every_traveller_is_in_one_place_and_comes_home(seed: str, travellers: int, days: int) -> None:
    history = History(travellers=travellers, seed=seed)
    where = {traveller.person.number: traveller.person.home for traveller in history.travellers}
    for day in range(days):
        seen = set()
        for leg in history.day(day, 10):
            number = leg.traveller.person.number
            assert number not in seen and where[number] == leg.origin and between(leg.origin, leg.target)
            seen.add(number)
            if leg.expected:
                history.entered(leg, day)
                where[number] = leg.target
    for traveller in history.travellers:
        for leave in traveller.leaves:
            assert leave.entries is None or len(traveller.used[leave.number]) <= leave.entries
            assert all(leave.valid_from <= on <= leave.valid_to for on in traveller.used[leave.number])


@hypothesis.given(st.text(max_size=8))
@hypothesis.settings(max_examples=10)
def test_a_seed_is_a_history(seed: str) -> None:
    """Invalid solely because something else than the seed decided: nobody could play a failure again."""

    def told() -> list[tuple[int, str, str, bool]]:
        history, legs = History(travellers=30, seed=seed), []
        for day in range(10):
            for leg in history.day(day, 8):
                legs.append((leg.traveller.person.number, leg.origin, leg.target, leg.expected))
                history.entered(leg, day)
        return legs

    assert told() == told()


def test_every_kind_of_endorsement_is_held_by_somebody() -> None:
    assert {way.leave for sort in SORTS for way in sort.ways} - {""} >= LEAVES.keys()
    assert {kind for kind, *_ in LEAVES.values()} == set("GLTSQDR")


def test_two_travellers_have_no_document_number_in_common() -> None:
    numbers = defaultdict(int)
    for traveller in History(travellers=2000, seed="x").travellers:
        for document in traveller.person.documents:
            numbers[document.issued_by, document.type, document.number] += 1
    assert max(numbers.values()) == 1


def test_a_weekly_leave_is_good_once_in_a_week_and_a_spent_one_no_more() -> None:
    weekly = Leave(1, 1, 0, "G", "MAC", FIRST_DAY, FIRST_DAY, None, 7, "zhuhai", (("weekly", True),))
    sunday = FIRST_DAY + timedelta(days=2)
    assert not is_good(weekly, [FIRST_DAY], sunday)
    assert is_good(weekly, [FIRST_DAY], sunday + timedelta(days=1))
    once = Leave(2, 1, 0, "L", "HKG", FIRST_DAY, FIRST_DAY, 1, 7, "L")
    assert is_good(once, [], FIRST_DAY) and not is_good(once, [FIRST_DAY], FIRST_DAY)


LAST = FIRST_DAY + timedelta(days=89)
ONCE = Leave(1, 1, 0, "L", "HKG", FIRST_DAY, LAST, 1, 7, "L")
TWICE = Leave(2, 1, 0, "G", "HKG", FIRST_DAY + timedelta(days=3), LAST + timedelta(days=3), 2, 7, "G")


def resident(*leaves: Leave) -> Traveller:
    return Traveller(Person(1, "CHN", FIRST_DAY, ()), (), leaves=list(leaves))


def test_who_holds_two_kinds_for_one_territory_goes_under_the_one_that_ends_first_as_the_issuer_has_it() -> None:
    """Otherwise the history counts an entry of one and the issuer of the other, and nothing explains a refusal."""
    traveller, history, today = resident(TWICE, ONCE), History(travellers=0, seed="x"), FIRST_DAY + timedelta(days=4)
    way = Way("HKG", (0, 0), (0, 0), "G")
    assert history._leave(traveller, way, "HKG", today) == ONCE
    traveller.used[ONCE.number].append(today)
    assert history._leave(traveller, way, "HKG", today) == TWICE


def test_an_entry_that_a_lane_remembers_and_the_issuer_has_given_back_is_in_doubt() -> None:
    """The reservation lapsed and the entry is told late: the token names the old leave, though a new one is held."""
    traveller, entered = resident(ONCE, TWICE), FIRST_DAY + timedelta(days=1)
    assert not traveller.in_doubt("HKG", entered)
    traveller.used[ONCE.number].append(entered)
    assert traveller.in_doubt("HKG", entered + REMEMBERED) and not traveller.in_doubt("MAC", entered)
    assert not traveller.in_doubt("HKG", entered + REMEMBERED + timedelta(days=1))
    traveller.held.add(TWICE.number)
    assert traveller.in_doubt("HKG", LAST) and not traveller.in_doubt("HKG", LAST + timedelta(days=4))
