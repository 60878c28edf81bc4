"""Whether a lane's journal is still what the lane signed, also where pseudonyms have taken the place of numbers.

An entry with its numbers gives its hash. One with pseudonyms does not: there the hashes of a range give the root that
the audit has of it. Each entry names the hash before; the last is the lane's head, which the lane signed.
"""

from collections.abc import Iterator

from idp.audit.models import AuditEvent
from idp.border.models import JournalEntry, Lane
from idp.protocol import journal, merkle


def everywhere(now: int) -> Iterator[str]:
    """What does not hold at any lane: what `idp.audit.verification` says of the journals."""
    for lane in Lane.objects.select_related("checkpoint__hosted").order_by("pk"):
        yield from (f"journal of {lane.lane_id}: {line}" for line in findings(lane))


def findings(lane: Lane) -> Iterator[str]:
    """What does not hold, one line each; nothing where all of it does. Reads the whole journal that is kept."""
    checkpoint = lane.checkpoint.entity_id
    prev = seq = None
    for row in lane.entries.order_by("seq").iterator():
        if seq is not None and row.seq != seq + 1:
            yield f"{row.seq}: entries before it are missing"
        elif prev is not None and row.prev != prev:
            yield f"{row.seq}: it does not continue the entry before"
        if row.seq > lane.pseudonymous_seq and journal.entry_hash(_entry(row, checkpoint, lane.name)) != row.hash:
            yield f"{row.seq}: it is not what its hash says"
        prev, seq = row.hash, row.seq
    if prev is not None and (seq, prev) != (lane.journal_seq, lane.journal_hash):
        yield f"{lane.journal_seq}: the journal does not end where it was recorded to end"
    yield from _ranges(lane)


def _ranges(lane: Lane) -> Iterator[str]:
    for event in AuditEvent.objects.filter(kind="journal.pseudonymised", subject=lane.lane_id).order_by("pk"):
        first, last = event.data["first"], event.data["last"]
        hashes = lane.entries.filter(seq__range=(first, last)).order_by("seq").values_list("seq", "hash")
        found = dict(hashes.iterator())
        if len(found) <= last - first:
            continue  # months of it were dropped
        root = merkle.root(merkle.leaf_hash(found[place].encode()) for place in sorted(found))
        if root.hex() != event.data["root"]:
            yield f"{first}-{last}: these are not the hashes that were there when pseudonyms took their place"


def _entry(row: JournalEntry, checkpoint: str, lane: str) -> journal.Entry:
    return journal.Entry(
        checkpoint=checkpoint,
        lane=lane,
        seq=row.seq,
        prev=row.prev,
        at=row.at,
        jti=row.jti,
        iss=row.issuer,
        sub=row.subject,
        direction=row.direction,
        decision=row.decision,
        reason=row.reason,
        score_band=row.score_band,
        bundle_serial=row.bundle_serial,
        about=row.about,
        officers=row.officers,
        took_ms=row.took_ms,
    )
