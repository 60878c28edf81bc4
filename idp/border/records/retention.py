"""How long recorded crossings are kept, and as what (docs/privacy.md, How long).

1. For so many days an entry keeps the numbers of its token and its traveller. Then pseudonyms take their place. A
   lane's entries go in the order of its journal, by the time at which they came in: its clock cannot hurry or stop it.
2. The hashes stay, and with them the chain; what they were computed from is gone. So an audit event says which range of
   which lane it was, with the Merkle root (RFC 9162) over its hashes.
3. So many days after its month the key of the pseudonyms is destroyed.
4. So many months after it an entry's month is dropped as a whole.

Everything may run twice, or in several places at once.
"""

import logging
from dataclasses import dataclass

from django.db import OperationalError, connection, transaction

from idp.audit import events
from idp.border.figures import counting
from idp.border.models import AdmittedToken, DuplicateAlert, Lane, OutgoingReceipt
from idp.border.records import partitions, pseudonyms
from idp.border.records.months import Month
from idp.conf import authority
from idp.protocol import merkle

log = logging.getLogger(__name__)

DAY = 86_400
BATCH = 5_000  # entries, or rows of another table, in one transaction
ACTOR = "border.retain"
LONGEST_WAIT = "5s"  # for a month's table, while everybody else waits behind


@dataclass
class Outcome:
    """What was let go of; with ``dry`` what would be."""

    pseudonymised: int = 0  # entries
    months: int = 0  # dropped as a whole
    entries: int = 0  # deleted by themselves
    tokens: int = 0
    alerts: int = 0
    receipts: int = 0
    keys: int = 0
    hours: int = 0  # of figures


def retain(*, now: int, dry: bool = False) -> Outcome:
    """Do what is due. ``now`` in seconds since 1970; ``dry`` counts only."""
    rules, this = authority(), Month.of(now)
    cut = now - rules.identified_days * DAY
    oldest = this.shifted(-rules.crossings_months)
    found = Outcome()
    found.months = sum(dry or _drop(month) for month in partitions.months() if month < oldest)
    found.entries = _delete_entries(oldest, dry=dry)
    found.hours = counting.forget(now=now, dry=dry)
    for lane in Lane.objects.select_related("checkpoint__hosted").order_by("pk"):
        found.pseudonymised += _pseudonymise_lane(lane, cut, dry=dry)
    found.alerts = _pseudonymise_alerts(cut, dry=dry)
    found.tokens = _delete(AdmittedToken, {"received_at__lt": cut}, dry=dry)
    found.receipts = _delete(OutgoingReceipt, {"delivered_at__isnull": False, "at__lt": oldest.begin}, dry=dry)
    found.keys = _destroy_keys(cut, dry=dry)
    return found


def _pseudonymise_lane(lane: Lane, cut: int, *, dry: bool) -> int:
    if dry:
        return lane.entries.filter(seq__gt=lane.pseudonymous_seq, received_at__lt=cut).count()
    total = 0
    while count := _pseudonymise_batch(lane, cut):
        total += count
    return total


@transaction.atomic
def _pseudonymise_batch(lane: Lane, cut: int) -> int:
    """The next entries of ``lane`` that are due; 0 when there are none, or when another run has taken them."""
    rows = lane.entries.filter(seq__gt=lane.pseudonymous_seq, received_at__lt=cut).order_by("seq")
    due = list(rows.values_list("seq", "at", "hash")[:BATCH])
    if not due:
        return 0
    first, last, month = due[0][0], due[-1][0], Month.of(cut)
    moved = Lane.objects.filter(pk=lane.pk, pseudonymous_seq=lane.pseudonymous_seq).update(pseudonymous_seq=last)
    if not moved:
        return 0
    lane.pseudonymous_seq = last
    pseudonyms.put(lane=lane.pk, places=[place[:2] for place in due], key=pseudonyms.key(month))
    root = merkle.root(merkle.leaf_hash(found.encode()) for _, _, found in due)
    events.record(
        kind="journal.pseudonymised",
        actor=ACTOR,
        subject=lane.lane_id,
        data={"first": first, "last": last, "root": root.hex(), "key": str(month)},
    )
    return len(due)


def _pseudonymise_alerts(cut: int, *, dry: bool) -> int:
    """Those that an officer has looked into; the others are still needed."""
    due = DuplicateAlert.objects.filter(resolved_at__lt=cut, pseudonymous=False)
    if dry:
        return due.count()
    count = 0
    for alert in due.order_by("pk")[:BATCH]:
        number = pseudonyms.of("jti", alert.jti, key=pseudonyms.key(Month.of(cut)))
        count += due.filter(pk=alert.pk).update(jti=number, pseudonymous=True)
    return count


def _destroy_keys(cut: int, *, dry: bool) -> int:
    dead = [month for month in pseudonyms.months() if month.end + authority().pseudonym_key_days * DAY <= cut]
    for month in () if dry else dead:
        with transaction.atomic():
            events.record(kind="journal.pseudonym_key_destroyed", actor=ACTOR, subject=str(month))
            pseudonyms.destroy(month)
    return len(dead)


def _drop(month: Month) -> bool:
    """Whether the month is gone; not where somebody reads it for too long, then the next run will do it."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = '{LONGEST_WAIT}'")
            partitions.drop(month)
            events.record(kind="journal.month_dropped", actor=ACTOR, subject=str(month))
    except OperationalError as error:
        log.warning("the entries of %s are still there: %s", month, error)
        return False
    return True


def _delete_entries(oldest: Month, *, dry: bool) -> int:
    """What lies in no month's table: on PostgreSQL what clocks that were off have left behind, elsewhere everything."""
    table = partitions.DEFAULT if partitions.partitioned() else partitions.TABLE
    due = f"FROM {table} WHERE received_at < %s"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) {due}", [oldest.begin])
        count = int(cursor.fetchone()[0])
        if count and not dry:
            cursor.execute(f"DELETE {due}", [oldest.begin])
            events.record(kind="journal.entries_deleted", actor=ACTOR, data={"before": str(oldest), "count": count})
    return count


def _delete(model: type[AdmittedToken] | type[OutgoingReceipt], due: dict[str, object], *, dry: bool) -> int:
    rows = model.objects.filter(**due)
    if dry:
        return rows.count()
    total = 0
    while found := list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        total += model.objects.filter(pk__in=found).delete()[0]
    return total
