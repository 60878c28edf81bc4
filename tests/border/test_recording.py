"""What lanes report: in order, once, as they signed it, or not at all."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError

from idp.audit.models import AuditEvent
from idp.border import recording
from idp.border.models import DuplicateAlert, JournalEntry, Lane, OutgoingReceipt
from idp.protocol import journal, keys
from tests.border.world import OFFICER, Gate, World, problem_of


def upload(world: World, gate: Gate | None = None, batch: Any = None) -> Any:
    gate = gate or world.gate
    body = json.dumps(gate.batch() if batch is None else batch)
    return world.post("/border/v1/journal", body, headers=gate.headers(world.now))


@pytest.fixture
def recorded(world: World) -> World:
    """Two entries that are recorded, and a third that is not."""
    world.gate.entry(world.now)
    world.gate.entry(world.now, decision="refer", reason="face_uncertain", score_band="middle")
    assert upload(world).json() == {"last": 2}
    world.gate.entry(world.now)
    return world


def test_entries_are_kept_as_the_lane_wrote_them(recorded: World) -> None:
    first, second = JournalEntry.objects.order_by("seq")
    written = recorded.gate.entries
    assert (first.hash, second.prev) == (journal.entry_hash(written[0]), journal.entry_hash(written[0]))
    assert (second.decision, second.reason, second.score_band) == ("refer", "face_uncertain", "middle")
    assert (first.jti, first.issuer, first.subject) == (written[0].jti, written[0].iss, written[0].sub)
    event = AuditEvent.objects.get(kind="journal.recorded")
    assert event.subject == second.hash and event.data == {"first": 1, "last": 2}
    assert Lane.objects.get().bundle_serial == 3


def test_a_batch_that_comes_again_changes_nothing(recorded: World) -> None:
    del recorded.gate.entries[2]
    assert upload(recorded).json() == {"last": 2}
    assert upload(recorded, batch=journal.sign_head(recorded.gate.entries[:1], recorded.gate.key)).json() == {"last": 2}
    assert JournalEntry.objects.count() == 2
    assert AuditEvent.objects.filter(kind="journal.recorded").count() == 1


def test_a_batch_that_overlaps_brings_what_is_new(recorded: World) -> None:
    assert upload(recorded).json() == {"last": 3}
    assert JournalEntry.objects.count() == 3


def _gap(gate: Gate) -> dict[str, Any]:
    gate.entry(gate.entries[0].at)
    return gate.batch(4)


def _fork(gate: Gate) -> dict[str, Any]:
    del gate.entries[1:]
    gate.entry(gate.entries[0].at, decision="refuse", reason="expired")
    return gate.batch()


def _altered(gate: Gate) -> dict[str, Any]:
    batch = gate.batch(3)
    batch["entries"][0]["jti"] = "another"
    return batch


def _other_key(gate: Gate) -> dict[str, Any]:
    return journal.sign_head(gate.entries[2:], keys.generate())


@pytest.mark.parametrize(
    ("make", "answer", "seq"),
    [
        (_gap, (409, "journal_gap"), 3),
        (_fork, (409, "journal_fork"), 2),
        (_altered, (400, "journal_broken"), 3),
        (_other_key, (400, "journal_broken"), 3),
    ],
)
def test_a_chain_that_does_not_hold_is_refused_with_its_place(
    recorded: World, make: Callable[[Gate], dict[str, Any]], answer: tuple[int, str], seq: int
) -> None:
    """invalid solely because an entry is missing, differs, was altered, or the head is signed by another key."""
    response = upload(recorded, batch=make(recorded.gate))
    assert problem_of(response) == answer
    assert response.json()["seq"] == seq
    assert JournalEntry.objects.count() == 2 and OutgoingReceipt.objects.count() == 0


def test_another_lanes_journal_is_refused(recorded: World) -> None:
    """invalid solely because the entries are of a neighbour and this lane hands them in."""
    neighbour = recorded.enrol(recorded.checkpoint, "2", sealing=recorded.gate.sealing)
    neighbour.entry(recorded.now)
    assert problem_of(upload(recorded, batch=neighbour.batch())) == (400, "invalid_request")
    assert JournalEntry.objects.count() == 2


def test_nothing_is_half_recorded(recorded: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The audit event fails, the last thing to be written: entries, alerts and receipts must go with it."""
    recorded.gate.entry(recorded.now, iss="https://idp.cn.example")

    def broken(**_: Any) -> None:
        raise IntegrityError("no")

    monkeypatch.setattr(recording.events, "record", broken)
    with pytest.raises(IntegrityError):
        recording.record(lane=recorded.gate.lane, batch=recorded.gate.batch(), now=recorded.now)
    assert JournalEntry.objects.count() == 2 and not OutgoingReceipt.objects.exists()


def test_a_token_admitted_at_two_lanes_raises_one_alert_with_both_entries(world: World) -> None:
    other = world.enrol(world.checkpoint, "2", sealing=world.gate.sealing)
    for gate in (world.gate, other):
        gate.entry(world.now, jti="twice")
        assert upload(world, gate).status_code == 200
    alert = DuplicateAlert.objects.get()
    assert (alert.jti, alert.first_lane.name, alert.second_lane.name) == ("twice", "1", "2")
    assert AuditEvent.objects.get(kind="crossing.duplicate").subject == f"alert:{alert.pk}"
    for _ in range(2):
        recording.resolve(alert=alert, officer=OFFICER, now=world.now)
    assert DuplicateAlert.objects.get().resolved_at == world.now
    assert AuditEvent.objects.filter(kind="crossing.duplicate_resolved").count() == 1


def by_hand(gate: Gate, now: int, **changes: Any) -> None:
    gate.entry(now, decision="refer", reason="face_uncertain", **changes)
    hand = {"decision": "release", "reason": "face_checked", "about": len(gate.entries), "officers": "kim"}
    gate.entry(now, **hand, **changes)


def test_a_token_that_an_officer_released_is_used_up(world: World) -> None:
    """A look for admissions by the machine alone overlooks it."""
    by_hand(world.gate, world.now, jti="twice")
    world.gate.entry(world.now, jti="twice")
    assert upload(world).status_code == 200
    alert = DuplicateAlert.objects.get()
    assert (alert.first_seq, alert.second_seq) == (2, 3)
    released = JournalEntry.objects.get(seq=2)
    assert (released.decision, released.about, released.officers) == ("release", 1, "kim")


def test_travellers_released_without_a_readable_token_are_no_duplicates(world: World) -> None:
    """All of them have the same number: none."""
    for _ in range(2):
        by_hand(world.gate, world.now, jti="", iss="")
    assert upload(world).status_code == 200
    assert not DuplicateAlert.objects.exists() and not OutgoingReceipt.objects.exists()


def test_twice_in_one_batch_is_one_alert(world: World) -> None:
    world.gate.entry(world.now, jti="twice")
    world.gate.entry(world.now, jti="twice")
    upload(world)
    assert DuplicateAlert.objects.get().first_seq == 1


@pytest.mark.parametrize("changes", [{"decision": "refuse", "reason": "replayed"}, {"iss": "https://idp.cn.example"}])
def test_a_refusal_or_another_issuers_token_is_no_duplicate(world: World, changes: dict[str, Any]) -> None:
    world.gate.entry(world.now, jti="once")
    world.gate.entry(world.now, jti="once", **changes)
    upload(world)
    assert not DuplicateAlert.objects.exists()


def test_a_journal_beyond_the_limit_is_too_large(world: World) -> None:
    """invalid solely because the body has more than the megabyte that a batch may have."""
    answer = world.post(
        "/border/v1/journal", b"x" * (journal.MAX_BATCH_BYTES + 1), headers=world.gate.headers(world.now)
    )
    assert problem_of(answer) == (413, "too_large")
