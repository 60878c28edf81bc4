"""What the lanes decided arrives here: in order, once, and as the lane signed it; never altered afterwards.

A lane's row says how far its journal is recorded. A batch moves it on by one conditional statement and is stored in the
same transaction, so that of two uploads that continue the same entry one is recorded, and the other looks again.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from idp.audit import events
from idp.border.admitted import Admitted
from idp.border.entries import reserving
from idp.border.figures import counting
from idp.border.models import DuplicateAlert, Lane
from idp.border.records import partitions, passing, storing
from idp.protocol import journal, keys


def record(*, lane: Lane, batch: bytes | Mapping[str, Any], now: int) -> int:
    """Append a lane's batch to its journal; the last ``seq`` recorded. Raises `journal.ChainBroken`.

    Idempotent: entries already here are compared and passed over. One audit event a batch.
    """
    while True:
        head = Lane.objects.select_related("checkpoint__hosted").get(pk=lane.pk)
        entries = _continuing(head, batch)
        if not entries:
            return head.journal_seq
        partitions.prepare([entry.at for entry in entries], now=now)
        if _append(head, entries, now=now):
            return entries[-1].seq


@transaction.atomic
def resolve(*, alert: DuplicateAlert, officer: str, now: int) -> None:
    """An officer has looked into it; the entries stay as they are."""
    if DuplicateAlert.objects.filter(pk=alert.pk, resolved_at__isnull=True).update(resolved_at=now):
        events.record(kind="crossing.duplicate_resolved", actor=officer, subject=f"alert:{alert.pk}")


def _continuing(head: Lane, batch: bytes | Mapping[str, Any]) -> list[journal.Entry]:
    """The entries of ``batch`` that come behind ``head``."""
    checkpoint = head.checkpoint.entity_id
    return journal.verify_batch(
        batch,
        checkpoint=checkpoint,
        lane=head.name,
        lane_key=keys.parse_public(head.jwk),
        expected_seq=head.journal_seq + 1,
        expected_prev=head.journal_hash or journal.genesis(checkpoint, head.name),
        recorded_hashes=lambda *places: dict(head.entries.filter(seq__range=places).values_list("seq", "hash")),
    )


@transaction.atomic
def _append(head: Lane, entries: Sequence[journal.Entry], *, now: int) -> bool:
    """Store ``entries`` and what follows from them; False, and nothing stored, where another upload was first."""
    last = entries[-1]
    last_hash = journal.entry_hash(last)
    moved = Lane.objects.filter(pk=head.pk, journal_seq=head.journal_seq, journal_hash=head.journal_hash).update(
        journal_seq=last.seq, journal_hash=last_hash, last_seen=now, bundle_serial=last.bundle_serial
    )
    if not moved:
        return False
    storing.insert(head, entries, now=now)
    counting.note(checkpoint=head.checkpoint_id, entries=entries)
    # An officer may let somebody through whose token nobody could read: there is none to be used up.
    passed = [entry for entry in entries if entry.decision in journal.PASSED and entry.iss and entry.jti]
    passing.claim(head, passed, now=now)
    reserving.note(admitted=[_admitted(entry) for entry in passed], now=now)
    events.record(
        kind="journal.recorded",
        actor=head.lane_id,
        subject=last_hash,
        data={"first": entries[0].seq, "last": last.seq},
    )
    return True


def _admitted(entry: journal.Entry) -> Admitted:
    return Admitted(
        issuer=entry.iss,
        jti=entry.jti,
        checkpoint=entry.checkpoint,
        lane=entry.lane,
        seq=entry.seq,
        direction=entry.direction,
        at=entry.at,
        subject=entry.sub,
    )
