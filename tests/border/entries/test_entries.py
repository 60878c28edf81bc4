"""An entry is reserved when somebody leaves and used up when the other side confirms; whatever comes when."""

import itertools
from typing import Any

import pytest

from idp.audit.models import AuditEvent
from idp.border.entries import lapsing, unmatched
from idp.border.models import ConfirmedCrossing, Discrepancy
from tests.border.entries.books import DAY, Books
from tests.border.world import NODE, World


@pytest.fixture
def books(world: World) -> Books:
    return Books(world, entries_left=1)


def uses() -> list[str]:
    return list(ConfirmedCrossing.objects.order_by("at", "pk").values_list("use", flat=True))


def test_an_exit_reserves_and_the_entry_uses_up(books: Books) -> None:
    left = books.crosses("exit")
    assert (left.use, books.left) == ("reserved", 1)
    entered = books.crosses("entry", 900)
    assert entered.exit == left and uses() == ["settled", "used"] and books.left == 0
    assert AuditEvent.objects.get(kind="endorsement.entries_reserved").data == {"tokens": [left.token.jti]}
    assert AuditEvent.objects.get(kind="endorsement.entry_consumed").subject == entered.token.jti


def test_the_order_of_the_reports_changes_nothing(world: World) -> None:
    """A gate that is offline hands its exits in after the other side has confirmed the entries."""
    ends = []
    trip = [("exit", 0), ("entry", 900), ("exit", 2 * DAY), ("entry", 2 * DAY + 900)]
    for order in itertools.permutations(range(4)):
        books = Books(world, entries_left=2)
        tokens = [books.token(direction, at=at) for direction, at in trip]
        for place in order:
            books.tell(tokens[place], trip[place][1])
        rows = ConfirmedCrossing.objects.order_by("at")
        assert [row.exit.at if row.exit else None for row in rows] == [None, rows[0].at, None, rows[2].at], order
        assert {row.waits for row in rows} == {False}
        ends.append((uses(), books.left))
        ConfirmedCrossing.objects.all().delete()
    assert set(map(str, ends)) == {str((["settled", "used"] * 2, 0))}


def test_a_crossing_that_comes_between_two_that_were_a_pair_parts_them(world: World) -> None:
    """The later entry was told first; the exit belongs to the one that lies next to it."""
    books = Books(world, entries_left=2)
    left, later = books.crosses("exit"), books.crosses("entry", 7200)
    assert later.exit == left
    between = books.crosses("entry", 900)
    later.refresh_from_db()
    left.refresh_from_db()
    assert (between.exit, later.exit, later.waits, left.use) == (left, None, True, "settled")
    books.crosses("exit", 7000)
    later.refresh_from_db()
    assert later.exit.at == world.now + 7000 and not ConfirmedCrossing.objects.filter(waits=True).exists()


def test_a_token_that_is_told_twice_counts_once(books: Books) -> None:
    token = books.token("entry")
    assert books.tell(token) == books.tell(token, 5)
    assert books.left == 0 and not Discrepancy.objects.exists()


def test_a_reservation_with_no_entry_lapses(books: Books, settings: Any) -> None:
    settings.IDP_RESERVATION_LAPSES_AFTER = 3600
    books.crosses("exit")
    assert lapsing.lapse(now=books.now + 3600) == 0
    assert lapsing.lapse(now=books.now + 3601) == 1
    assert lapsing.lapse(now=books.now + 3601) == 0
    assert uses() == ["lapsed"] and books.left == 1
    assert AuditEvent.objects.filter(kind="endorsement.reservation_lapsed").count() == 1


def test_an_entry_that_is_confirmed_after_the_lapse_is_used_once(books: Books) -> None:
    """The peer was down for a week."""
    books.crosses("exit")
    lapsing.lapse(now=books.now + 30 * DAY)
    token = books.token("entry")
    for _ in range(2):
        books.tell(token, 900)
    assert uses() == ["settled", "used"] and books.left == 0


def test_more_entries_than_there_were_raise_an_alert_with_both(books: Books) -> None:
    """Two lanes of the receiver were offline: both crossings took place, and the second had no entry to use."""
    first, second = books.crosses("entry"), books.crosses("entry", 3600)
    assert (first.use, second.use, books.left) == ("used", "overdrawn", 0)
    alert = Discrepancy.objects.get()
    assert (alert.kind, alert.jti, alert.beside["jti"]) == ("overdrawn", second.token.jti, first.token.jti)
    assert AuditEvent.objects.get(kind="crossing.overdrawn").subject == second.token.jti


def test_two_in_one_report_are_each_counted(books: Books) -> None:
    """Both read one entry left before either has taken it."""
    tokens = [books.token("entry", authority=NODE) for _ in range(2)]
    from django.db import transaction

    from idp.border.entries import reserving

    with transaction.atomic():
        reserving.note(admitted=[books.admitted(token, at) for at, token in enumerate(tokens)], now=books.now)
    assert uses() == ["used", "overdrawn"] and books.left == 0


def test_two_entries_in_one_week_raise_an_alert_where_one_is_allowed(world: World) -> None:
    books = Books(world, entries_left=None, weekly=True)
    books.crosses("entry")  # a Friday
    books.crosses("entry", 3 * DAY)
    assert not Discrepancy.objects.exists()
    again = books.crosses("entry", 4 * DAY)
    assert Discrepancy.objects.get(kind="weekly").jti == again.token.jti
    assert books.left is None


def test_the_week_turns_at_midnight_in_hong_kong(world: World) -> None:
    """invalid solely because the second entry is on a Monday here, and still on a Sunday in UTC."""
    books = Books(world, entries_left=None, weekly=True)
    monday = 3 * DAY - 16 * 3600  # now is Friday, 16:00 here
    books.crosses("entry", monday - 1)
    books.crosses("entry", monday)
    assert not Discrepancy.objects.exists()


def test_a_token_home_reserves_nothing_though_it_carries_the_endorsement(books: Books) -> None:
    home = books.crosses("exit", territory="HKG", endorsement=books.endorsement)
    assert (home.use, home.endorsement, books.left) == ("", None, 1)


def test_an_exit_with_no_entry_is_listed_once_and_settles_when_the_entry_comes(books: Books, settings: Any) -> None:
    settings.IDP_UNMATCHED_AFTER = 3600
    left = books.crosses("exit")
    assert unmatched.look(now=books.now + 3600) == 0
    assert [unmatched.look(now=books.now + 3601) for _ in range(2)] == [1, 0]
    listed = Discrepancy.objects.get()
    assert (listed.kind, listed.jti, listed.resolved_at) == ("exit_alone", left.token.jti, None)
    books.crosses("entry", 900)
    listed.refresh_from_db()
    assert (listed.resolved_at, listed.resolved_by) == (books.now, "confirmed late")
    assert unmatched.look(now=books.now + 99 * DAY) == 0


def test_an_entry_with_no_exit_is_listed(books: Books) -> None:
    entered = books.crosses("entry")
    unmatched.look(now=books.now + 30 * DAY)
    assert Discrepancy.objects.get().kind == "entry_alone"
    assert Discrepancy.objects.get().jti == entered.token.jti


def test_a_report_that_came_late_has_waited_for_nothing_yet(books: Books) -> None:
    """A lane that was offline for a month hands its journal in: the other half may be on its way."""
    books.crosses("exit", -30 * DAY)
    assert unmatched.look(now=books.now + 60) == 0
