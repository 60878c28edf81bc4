"""Two authorities with a bad line between them: whatever is lost, late, doubled or cut off, the books agree in the end.

Both live in one database, where no table is used by both sides of a receipt: Hong Kong issues tokens and takes
receipts, the mainland admits and sends them. What runs is the real reserving, delivering, taking, lapsing and
comparing; only keys and network are replaced.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from django.db import transaction
from django.test import override_settings
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from idp.border import confirmation, reconciling
from idp.border.admitted import Admitted
from idp.border.entries import lapsing, reserving, unmatched
from idp.border.entries.pairing import Half, pair
from idp.border.models import (
    ConfirmedCrossing,
    CrossingReceipt,
    Discrepancy,
    IssuedToken,
    OutgoingReceipt,
)
from idp.federation import signing
from idp.outbound import Response
from idp.protocol.refusals import Unavailable
from tests.border.entries.books import CN, DAY, Books
from tests.border.world import NODE, World

GRANTED = 3
FATES = ["arrives", "lost", "answer lost", "late", "twice", "dies"]


class Died(BaseException):
    """The process ended here."""


class Line:
    """What carries receipts: ``fates`` are of the next ones, then all arrive."""

    def __init__(self) -> None:
        self.fates: list[str] = []
        self.late: list[bytes] = []
        self.now = 0

    def request(self, method: str, url: str, *, headers: Any, content: bytes) -> Response:
        fate = self.fates.pop(0) if self.fates else "arrives"
        if fate == "lost":
            raise Unavailable("lost")
        if fate == "late":
            self.late.append(content)
            raise Unavailable("no answer")
        self.arrive(content)
        if fate == "twice":
            self.arrive(content)
        if fate == "answer lost":
            raise Unavailable("no answer")
        if fate == "dies":
            raise Died
        return Response(204, {}, b"")

    def arrive(self, content: bytes) -> None:
        with override_settings(IDP_ENTITY_ID=NODE):
            confirmation.accept(content, now=self.now)


class Everybody:
    """Whom this node recognises: whoever is asked about. In the place of `Peer`."""

    objects: "Everybody"

    def recognised(self, _: int) -> "Everybody":
        return self

    def filter(self, **_: Any) -> "Everybody":
        return self

    def exists(self) -> bool:
        return True


Everybody.objects = Everybody()


@contextmanager
def at_the_mainland() -> Iterator[None]:
    with override_settings(IDP_ENTITY_ID=CN):
        yield


class TwoBooks(RuleBasedStateMachine):
    """One traveller goes to and fro; lanes on both sides report when they can."""

    world: World
    line: Line

    def __init__(self) -> None:
        super().__init__()
        self.example = transaction.atomic()
        self.example.__enter__()
        self.books = Books(self.world, entries_left=GRANTED)
        self.line.fates, self.line.late, self.line.now = [], [], self.world.now
        self.journal: dict[str, list[Admitted]] = {NODE: [], CN: []}  # what lanes have still to hand in
        self.crossed: list[tuple[IssuedToken, int]] = []
        self.clock = 0

    def teardown(self) -> None:
        try:
            self.in_the_end()
        finally:
            transaction.set_rollback(True)
            self.example.__exit__(None, None, None)

    def cross(self, direction: str) -> None:
        token = self.books.token(direction, at=self.clock)
        at = self.world.now + self.clock
        passed = Admitted(NODE, token.jti, token.checkpoint, "1", len(self.crossed) + 1, direction, at, "pairwise")
        self.journal[token.authority].append(passed)
        self.crossed.append((token, at))
        self.time_passes(900)

    @rule(way=st.lists(st.sampled_from(["exit", "entry"]), min_size=1, max_size=4))
    def crosses(self, way: list[str]) -> None:
        """Mostly with a token on both sides; where one is by hand, without."""
        for direction in way:
            self.cross(direction)

    @rule(seconds=st.sampled_from([60, 3600, DAY, 3 * DAY]))
    def time_passes(self, seconds: int) -> None:
        self.clock += seconds
        self.line.now = self.world.now + self.clock

    @rule(side=st.sampled_from([CN, NODE]), data=st.data())
    def lanes_hand_in(self, side: str, data: st.DataObject) -> None:
        """What they hold, in whatever order they have the network."""
        self.hand_in(side, data.draw(st.permutations(self.journal[side])))

    def hand_in(self, side: str, passed: list[Admitted]) -> None:
        with override_settings(IDP_ENTITY_ID=side), transaction.atomic():
            reserving.note(admitted=passed, now=self.line.now)
            reserving.note(admitted=passed[:1], now=self.line.now)  # another lane admitted the same token
        self.journal[side] = []

    @rule(fates=st.lists(st.sampled_from(FATES), min_size=2, max_size=6))
    def receipts_go_out(self, fates: list[str]) -> None:
        self.line.fates = fates
        with at_the_mainland(), suppress(Died):
            confirmation.deliver(now=self.line.now)
        self.line.fates = []

    @precondition(lambda self: self.line.late)
    @rule(data=st.data())
    def a_late_receipt_arrives(self, data: st.DataObject) -> None:
        place = data.draw(st.integers(0, len(self.line.late) - 1))
        self.line.arrive(self.line.late.pop(place))

    @rule()
    def tasks_run(self) -> None:
        lapsing.lapse(now=self.line.now)
        unmatched.look(now=self.line.now)

    @invariant()
    def no_entry_is_used_twice_and_none_is_lost(self) -> None:
        entries = ConfirmedCrossing.objects.filter(direction="entry")
        used = entries.filter(use="used").count()
        assert self.books.left == GRANTED - used
        assert entries.filter(use="overdrawn").count() == max(0, entries.count() - GRANTED)
        assert CrossingReceipt.objects.count() == entries.count()

    def in_the_end(self) -> None:
        """Everything is handed in and delivered; both sides hold the same, and every entry was counted once."""
        for side in (NODE, CN):
            self.hand_in(side, self.journal[side])
        self.time_passes(3 * DAY)
        self.receipts_go_out([])
        while self.line.late:
            self.line.arrive(self.line.late.pop())
        self.tasks_run()
        entries = [token for token, _ in self.crossed if token.direction == "entry"]
        assert not OutgoingReceipt.objects.filter(delivered_at=None).exists()
        assert ConfirmedCrossing.objects.count() == len(self.crossed)
        self.no_entry_is_used_twice_and_none_is_lost()
        assert ConfirmedCrossing.objects.filter(direction="entry").count() == len(entries)
        assert Discrepancy.objects.filter(kind="overdrawn").count() == max(0, len(entries) - GRANTED)
        self._pairs_are_those_of_the_facts()
        self._the_books_agree()

    def _pairs_are_those_of_the_facts(self) -> None:
        rows = {row.token.jti: row for row in ConfirmedCrossing.objects.select_related("token")}
        facts = [Half(rows[token.jti].pk, token.direction, at) for token, at in self.crossed]
        found = {row.pk: row.exit_id for row in rows.values() if row.exit_id is not None}
        assert found == pair(facts)
        alone = {row.token.jti for row in rows.values() if row.pk not in {*found, *found.values()}}
        listed = Discrepancy.objects.filter(kind__in=["exit_alone", "entry_alone"], resolved_at=None)
        assert set(listed.values_list("jti", flat=True)) | self._too_fresh(alone) == alone

    def _too_fresh(self, alone: set[str]) -> set[str]:
        return set(
            ConfirmedCrossing.objects.filter(waits=True, token__jti__in=alone).values_list("token__jti", flat=True)
        )

    def _the_books_agree(self) -> None:
        pages = []
        with at_the_mainland():
            for text in reconciling.state_all(peer=NODE, since=0, until=1 << 40, now=self.line.now):
                pages.append(text)
        result = reconciling.compare(pages=pages, now=self.line.now)
        assert not result.disagreements
        assert result.agreed == sum(token.direction == "entry" for token, _ in self.crossed)


@pytest.fixture
def machine(world: World, monkeypatch: pytest.MonkeyPatch) -> type[TwoBooks]:
    line = Line()
    monkeypatch.setattr(confirmation, "_endpoint", lambda peer, now: f"{peer}/border/v1/receipts")
    monkeypatch.setattr(confirmation.fetching, "client", lambda: line)
    monkeypatch.setattr(confirmation, "border_keys", lambda *_, **__: signing.published("border"))
    for module in (confirmation, reconciling):
        monkeypatch.setattr(module, "Peer", Everybody)
    return type("OneWorld", (TwoBooks,), {"world": world, "line": line})


def test_the_books_agree_in_the_end(machine: type[TwoBooks]) -> None:
    run_state_machine_as_test(machine, settings=settings(max_examples=20, stateful_step_count=12, deadline=None))


@pytest.mark.parametrize("fate", FATES)
def test_a_receipt_that_fares_badly_behind_one_that_arrived_is_not_taken_for_delivered(
    machine: type[TwoBooks], fate: str
) -> None:
    books = machine()
    books.crosses(["exit", "entry", "exit", "entry"])
    books.hand_in(CN, books.journal[CN])
    books.receipts_go_out(["arrives", fate])
    books.teardown()
