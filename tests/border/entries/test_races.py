"""What happens to one endorsement's entry at the same moment: it is used once, and the books hold."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from idp.accounts.models import Endorsement
from idp.border import confirmation
from idp.border.entries import lapsing, reserving, unmatched
from idp.border.entries.confirming import Confirmation, confirm
from idp.border.models import ConfirmedCrossing, CrossingReceipt, Discrepancy, OutgoingReceipt
from tests.border.entries.books import CN, Books
from tests.border.test_confirmation import own_token, receipt
from tests.border.world import World
from tests.federation.peers import Peers
from tests.oidc.test_races import race

WORKERS = 32
pytestmark = [pytest.mark.usefixtures("shared_database"), pytest.mark.django_db(transaction=True)]


def test_a_receipt_that_comes_thirty_two_times_at_once_uses_one_entry(world: World, peers: Peers) -> None:
    token = own_token(world, peers, entries_left=3)
    texts = [receipt(peers, token, jti=f"receipt-{number}").encode() for number in range(WORKERS)]
    confirmation.accept(texts[0], now=world.now)  # the chain is at hand
    CrossingReceipt.objects.all().delete()
    ConfirmedCrossing.objects.all().delete()
    Endorsement.objects.update(entries_left=3)

    def accept(text: bytes) -> Callable[[], int]:
        return lambda: confirmation.accept(text, now=world.now) or 0

    assert race(*[accept(text) for text in texts]) == [0] * WORKERS
    assert CrossingReceipt.objects.count() == 1 and not Discrepancy.objects.exists()
    assert Endorsement.objects.get().entries_left == 2
    assert ConfirmedCrossing.objects.get().use == "used"


def test_an_exit_its_entry_and_the_lapse_at_once_end_in_the_same_books(world: World, settings: Any) -> None:
    """Whoever is first: the exit is settled by its entry, and the entry is used once."""
    settings.IDP_RESERVATION_LAPSES_AFTER = settings.IDP_UNMATCHED_AFTER = 0
    later = world.now + 3600

    def lapse() -> int:
        return lapsing.lapse(now=later) * 0

    def look() -> int:
        return unmatched.look(now=later) * 0

    for _ in range(4):
        books = Books(world, entries_left=1)
        left, entered = books.token("exit"), books.token("entry")

        def leave(books: Books = books, left: Any = left) -> int:
            with transaction.atomic():
                reserving.note(admitted=[books.admitted(left)], now=world.now)
            return 0

        def enter(entered: Any = entered) -> int:
            with transaction.atomic():
                confirm(confirmations=[Confirmation(entered, world.now + 900)], actor=CN, now=world.now)
            return 0

        assert race(*[leave, enter, lapse, look] * 4) == [0] * 16
        uses = ConfirmedCrossing.objects.order_by("at").values_list("use", "waits")
        assert list(uses) == [("settled", False), ("used", False)]
        assert ConfirmedCrossing.objects.get(use="used").exit.token == left and books.left == 0
        assert not Discrepancy.objects.filter(resolved_at=None).exists()
        ConfirmedCrossing.objects.all().delete()


def test_entries_at_once_use_no_more_than_there_were(world: World) -> None:
    """Two offline lanes of the receiver: every crossing counts, and each that had no entry is told."""
    books = Books(world, entries_left=5)
    tokens = [books.token("entry") for _ in range(8)]

    def enter(token: Any) -> Callable[[], int]:
        def job() -> int:
            with transaction.atomic():
                confirm(confirmations=[Confirmation(token, world.now)], actor=CN, now=world.now)
            return 0

        return job

    race(*[enter(token) for token in tokens])
    assert sorted(ConfirmedCrossing.objects.values_list("use", flat=True)) == ["overdrawn"] * 3 + ["used"] * 5
    assert books.left == 0 and Discrepancy.objects.filter(kind="overdrawn").count() == 3


def test_two_lanes_report_one_token_at_once_and_owe_one_receipt(world: World) -> None:
    books = Books(world)
    token = books.token("exit")

    def report(lane: int) -> Callable[[], int]:
        def job() -> int:
            passed = books.admitted(token)
            theirs = type(passed)(CN, "theirs", passed.checkpoint, str(lane), 1, "exit", passed.at, "s")
            with transaction.atomic():
                reserving.note(admitted=[passed, theirs], now=world.now)
            return 0

        return job

    race(*[report(lane) for lane in range(8)])
    assert OutgoingReceipt.objects.count() == 1 and ConfirmedCrossing.objects.count() == 1


def test_one_worker_ends_a_visit(world: World, settings: Any) -> None:
    settings.IDP_UNMATCHED_AFTER = 0
    facts = {"recipient": CN, "checkpoint": "c", "lane": "1", "seq": 1, "subject": "s"}
    for jti, direction, at in [("in", "entry", 0), ("out", "exit", 1), ("again", "exit", 2)]:
        OutgoingReceipt.objects.create(token_jti=jti, direction=direction, at=world.now + at, **facts)
    assert sum(race(*[lambda: unmatched.look(now=world.now + 3600)] * 8)) == 1
    assert Discrepancy.objects.get().kind == "visit_unbegun"
    assert set(OutgoingReceipt.objects.values_list("subject", "waits")) == {("", False)}
