"""What a token promises of an endorsement: no more than is left, and when it was entered under."""

import datetime
from typing import Any

import pytest

from idp.accounts.models import Endorsement
from idp.border import eligibility
from idp.border.eligibility import UnableToIssue
from idp.border.entries import lapsing, standing
from idp.protocol.travel_rules import local_date
from tests.border.entries.books import DAY, Books
from tests.border.world import World

OUT, HOME = ("HKG", "CHN"), ("CHN", "HKG")


def asked(books: Books, leg: tuple[str, str], direction: str, at: int = 0) -> dict[str, Any] | None:
    """What a token for ``leg`` would carry."""
    found = eligibility.endorsements_for(books.world.document, leg, direction, now=books.now + at)[0]
    return eligibility.endorsement_claim(found, direction)


def test_what_is_reserved_is_promised_to_nobody_else_and_kept_for_its_entry(world: World) -> None:
    """One entry left and somebody under way: a second trip would use an entry that is not there."""
    books = Books(world, entries_left=1)
    assert asked(books, OUT, "exit")["entries_left"] == 1
    books.crosses("exit")
    assert asked(books, OUT, "exit")["entries_left"] == 0
    assert asked(books, OUT, "entry")["entries_left"] == 1
    lapsing.lapse(now=books.now + 30 * DAY)
    assert asked(books, OUT, "exit")["entries_left"] == 1
    books.crosses("entry", 900)
    assert asked(books, OUT, "entry")["entries_left"] == 0


def test_no_token_is_issued_for_another_trip(world: World) -> None:
    """invalid solely because the one entry that is left is reserved."""
    document = world.give(world.traveller, "C12345678", type="eep", issued_by="CHN", face=None)
    books = Books(world, entries_left=1, destination="HKG")
    Endorsement.objects.update(document=document)
    leg = ("CHN", "HKG")

    def ask(direction: str) -> None:
        eligibility.eligible(document, leg, direction, now=books.now)

    ask("exit")
    books.crosses("exit", territory="HKG", authority="http://hk.localhost:8002", endorsement=Endorsement.objects.get())
    with pytest.raises(UnableToIssue):
        ask("exit")
    ask("entry")


def test_another_endorsement_serves_where_one_is_reserved(world: World) -> None:
    books = Books(world, entries_left=1)
    later = Books(world, entries_left=1, valid_to=datetime.date(2027, 12, 31))
    books.crosses("exit")
    assert eligibility.endorsements_for(world.document, OUT, "exit", now=books.now)[0] == later.endorsement
    assert eligibility.endorsements_for(world.document, OUT, "entry", now=books.now)[0] == books.endorsement


def test_a_weekly_endorsement_is_promised_once_a_week(world: World) -> None:
    books = Books(world, entries_left=None, weekly=True)
    today = local_date(books.now).isoformat()
    books.crosses("exit")
    assert asked(books, OUT, "exit")["entered_on"] == today
    assert "entered_on" not in asked(books, OUT, "entry")
    books.crosses("entry", 900)
    assert asked(books, OUT, "entry")["entered_on"] == today


def test_the_first_and_the_last_entry_are_told(world: World) -> None:
    """Ninety days count from the first."""
    books = Books(world, entries_left=None, kind="T", stay_days=90)
    for at in (10 * DAY, 0, 20 * DAY):
        books.crosses("entry", at)
    claim = asked(books, OUT, "entry", 20 * DAY)
    assert claim["first_entered_on"] == local_date(books.now).isoformat()
    assert claim["entered_on"] == local_date(books.now + 20 * DAY).isoformat()
    assert claim["entries_left"] is None


def test_who_goes_home_carries_the_endorsement_of_the_stay(world: World) -> None:
    """Without it the other side's gate cannot see an overstay."""
    books = Books(world, entries_left=1)
    assert asked(books, HOME, "exit") is None
    books.crosses("entry")
    assert asked(books, HOME, "exit")["destination"] == "CHN"
    stay = standing.stay(world.traveller.pk, "CHN")
    assert stay is not None and not stay.overstayed(stay.until)
    assert stay.overstayed(stay.until + datetime.timedelta(days=1))
    assert stay.until - stay.entered_on == datetime.timedelta(days=7)


@pytest.mark.parametrize("end", [("exit", "HKG"), ("entry", "HKG")])
def test_a_stay_ends_with_the_exit_that_is_confirmed_or_the_entry_at_home(world: World, end: tuple[str, str]) -> None:
    """The exit's receipt may be days late, and its holder is home."""
    books = Books(world)
    books.crosses("entry")
    books.crosses(end[0], DAY, territory=end[1])
    assert standing.stay(world.traveller.pk, "CHN") is None
    assert asked(books, HOME, "exit", 2 * DAY) is None
    books.crosses("entry", 3 * DAY)
    assert standing.stay(world.traveller.pk, "CHN").entered_on == local_date(books.now + 3 * DAY)


def test_an_endorsement_is_read_with_its_crossings_at_once(world: World, django_assert_num_queries: Any) -> None:
    """Issuance waits for it: one query for all."""
    books = Books(world)
    books.crosses("entry")
    with django_assert_num_queries(1):
        asked(books, OUT, "exit")


@pytest.mark.django_db(transaction=True)
def test_the_plain_statement_knows_of_endorsements_what_the_models_know(world: World) -> None:
    """Two spellings of one question: officers' previews ask by the models, phones by the statement."""
    untouched = Books(world, valid_to=datetime.date(2027, 1, 2))
    books, other = Books(world, entries_left=3, weekly=True), Books(world, valid_to=datetime.date(2026, 12, 31))
    for each in (books, other):
        each.crosses("exit")
        each.crosses("entry", 900)
        each.crosses("exit", 40 * DAY)
    other.crosses("entry", 40 * DAY + 900)
    other.crosses("exit", 2, territory="HKG")
    found = standing.of_document(world.document)
    assert found == [other.endorsement, untouched.endorsement, books.endorsement]
    for plain, row in zip(found, standing.with_crossings(Endorsement.objects).order_by("valid_to", "pk"), strict=True):
        assert vars(plain).keys() - {"_state"} == vars(row).keys() - {"_state"}
        assert {**vars(plain), "_state": None} == {**vars(row), "_state": None}
    assert any(item.entries_reserved for item in found)
    assert {item.first_entered_at is None for item in found} == {True, False}
