"""What the lanes decided arrives here: in order, once, and as the lane signed it; never altered afterwards."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from idp.audit import events
from idp.border.models import Checkpoint, DuplicateAlert, JournalEntry, Lane, OutgoingReceipt
from idp.conf import authority
from idp.protocol import journal, keys

ADMIT = "admit"


@transaction.atomic
def record(*, lane: Lane, batch: bytes | Mapping[str, Any], now: int) -> int:
    """Append a lane's batch to its journal; the last ``seq`` recorded. Raises `journal.ChainBroken`.

    Idempotent: entries already here are compared and passed over. One audit event a batch.
    """
    # A token is for one checkpoint: one upload of it at a time, or two lanes could each overlook the other's admission.
    Checkpoint.objects.select_for_update().get(pk=lane.checkpoint_id)
    lane = Lane.objects.select_for_update(of=("self",)).select_related("checkpoint__hosted").get(pk=lane.pk)
    last = lane.entries.order_by("-seq").first()
    checkpoint = lane.checkpoint.entity_id
    entries = journal.verify_batch(
        batch,
        checkpoint=checkpoint,
        lane=lane.name,
        lane_key=keys.parse_public(lane.jwk),
        expected_seq=last.seq + 1 if last else 1,
        expected_prev=last.hash if last else journal.genesis(checkpoint, lane.name),
        recorded_hash=lambda seq: lane.entries.filter(seq=seq).values_list("hash", flat=True).first(),
    )
    rows = JournalEntry.objects.bulk_create([_row(lane, entry, now=now) for entry in entries])
    for row in rows:
        if row.decision == ADMIT:
            _look_for_duplicate(row, now=now)
            _owe_receipt(row, now=now)
    if rows:
        events.record(
            kind="journal.recorded",
            actor=lane.lane_id,
            subject=rows[-1].hash,
            data={"first": rows[0].seq, "last": rows[-1].seq},
        )
        Lane.objects.filter(pk=lane.pk).update(last_seen=now, bundle_serial=rows[-1].bundle_serial)
    return rows[-1].seq if rows else (last.seq if last else 0)


@transaction.atomic
def resolve(*, alert: DuplicateAlert, officer: str, now: int) -> None:
    """An officer has looked into it; the entries stay as they are."""
    if DuplicateAlert.objects.filter(pk=alert.pk, resolved_at__isnull=True).update(resolved_at=now):
        events.record(kind="crossing.duplicate_resolved", actor=officer, subject=alert.first.jti)


def _row(lane: Lane, entry: journal.Entry, *, now: int) -> JournalEntry:
    return JournalEntry(
        lane=lane,
        seq=entry.seq,
        prev=entry.prev,
        hash=journal.entry_hash(entry),
        at=entry.at,
        jti=entry.jti,
        issuer=entry.iss,
        subject=entry.sub,
        direction=entry.direction,
        decision=entry.decision,
        reason=entry.reason,
        score_band=entry.score_band,
        bundle_serial=entry.bundle_serial,
        received_at=now,
    )


def _look_for_duplicate(row: JournalEntry, *, now: int) -> None:
    """Two lanes that could not know of each other admitted one token: both entries stay, and officers are told."""
    earlier = (
        JournalEntry.objects.filter(issuer=row.issuer, jti=row.jti, decision=ADMIT, pk__lt=row.pk).order_by("pk")
    ).first()
    if earlier is not None:
        DuplicateAlert.objects.create(first=earlier, second=row, raised_at=now)
        events.record(kind="crossing.duplicate", actor=row.lane.lane_id, subject=row.jti)


def _owe_receipt(row: JournalEntry, *, now: int) -> None:
    if row.issuer != authority().entity_id:
        OutgoingReceipt.objects.create(entry=row, recipient=row.issuer, next_attempt_at=now)
