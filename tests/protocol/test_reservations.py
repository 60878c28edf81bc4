"""No endorsement is used more often at one lane than its token allows, and nobody is counted twice."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.protocol.reservations import Reservation, as_remembered, entry_left, reservation
from idp.protocol.travel_rules import Endorsement
from tests.simulators.gate import CN, NOW, MemoryLedger

TODAY = date(2027, 1, 15)  # NOW, a Friday
G = Endorsement("G", "HKG", date(2026, 11, 1), date(2027, 10, 31), entries_left=2, stay_days=7)


def of(endorsement: Endorsement | None = G, *, destination: str = "HKG") -> Reservation | None:
    return reservation(CN, "sub", endorsement, destination=destination)


def changed(**changes: object) -> Endorsement:
    return Endorsement(**{**vars(G), **changes})


def test_only_what_is_counted_is_reserved() -> None:
    """A way home, or an unlimited endorsement, that used up an entry would hold up a traveller for nothing."""
    assert of(None) is None
    assert of(destination="CHN") is None
    assert of(changed(entries_left=None)) is None
    assert of(changed(entries_left=None, weekly=True)) is not None
    assert of() == Reservation(CN, "sub", G)


def test_one_endorsement_has_one_key_whatever_is_left_of_it() -> None:
    """A key with the number left would start counting anew with every token."""
    keys = {Reservation(CN, "sub", changed(entries_left=left, entered_on=TODAY)).key for left in (0, 1, None)}
    assert len(keys) == 1
    others = [changed(kind="L"), changed(destination="MAC"), changed(valid_from=TODAY), changed(valid_to=TODAY)]
    assert len({Reservation(CN, "sub", found).key for found in others} | keys) == 5
    assert Reservation("x", "sub", G).key not in keys
    assert Reservation(CN, "x", G).key not in keys


@pytest.mark.parametrize(
    ("left", "weekly", "entered", "allowed"),
    [
        (1, False, TODAY, True),
        (0, False, None, False),
        (None, False, TODAY, True),
        (None, True, TODAY - timedelta(days=4), False),  # the Monday of this week
        (None, True, TODAY - timedelta(days=5), True),  # the Sunday before
        (None, True, None, True),
        (0, True, None, False),
    ],
)
def test_one_more_entry(left: int | None, weekly: bool, entered: date | None, allowed: bool) -> None:
    """invalid solely because no entry is left, or one was made in this natural week."""
    assert entry_left(changed(entries_left=left, weekly=weekly, entered_on=entered), TODAY) is allowed


def test_week_is_counted_over_the_year_s_end() -> None:
    """Friday 1 January 2027 is in the last week of 2026: a rule by the number alone would allow 1 January 2026 too."""
    endorsement = changed(weekly=True, entries_left=None, entered_on=date(2026, 12, 28))
    assert not entry_left(endorsement, date(2027, 1, 1))
    assert entry_left(changed(weekly=True, entries_left=None, entered_on=date(2025, 12, 30)), date(2027, 1, 1))


@given(
    entries=st.integers(0, 4),
    told=st.lists(st.booleans(), max_size=12),
)
def test_however_late_the_issuer_hears_no_entry_is_used_twice_or_lost(entries: int, told: list[bool]) -> None:
    """Before each crossing the issuer may or may not have counted all before it: exactly ``entries`` are admitted."""
    ledger, admitted, known = MemoryLedger(), 0, 0
    for hears in told:
        known = admitted if hears else known
        found = Reservation(CN, "sub", changed(entries_left=entries - known))
        seen = as_remembered(found, ledger)
        if entry_left(seen, TODAY):
            assert seen.entries_left is not None
            ledger.entries[found.key] = (seen.entries_left - 1, NOW)
            admitted += 1
    assert admitted == min(entries, len(told))


def test_last_entry_is_the_later_of_the_two() -> None:
    """An older day out of the token would let a weekly endorsement through twice in a week."""
    ledger = MemoryLedger(entries={Reservation(CN, "sub", G).key: (None, NOW)})
    for told in (None, TODAY - timedelta(days=9)):
        assert as_remembered(Reservation(CN, "sub", changed(entered_on=told)), ledger).entered_on == TODAY
    later = TODAY + timedelta(days=1)
    assert as_remembered(Reservation(CN, "sub", changed(entered_on=later)), ledger).entered_on == later
