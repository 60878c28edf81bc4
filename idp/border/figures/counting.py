"""The journals counted by the hour. A lane that was cut off hands in last week's entries: their hours are counted anew.

The transaction that stores a batch leaves a mark for each hour that the batch has entries of (`note`). A task takes the
marks and counts those hours from the journal (`count`), one run at a time. So an hour's numbers are what its entries
are, in whatever order these came, and whatever happened to a run.
"""

from collections.abc import Iterable

from django.db import connection, transaction
from django.db.models import Count

from idp.border.figures import buckets
from idp.border.figures.turns import alone
from idp.border.models import HOUR, CrossingHour, DecisionTimeHour, JournalEntry, UncountedHour
from idp.border.records.months import Month
from idp.conf import authority
from idp.plain_rows import insert_new
from idp.protocol import journal

MARKS = 1_000  # taken in one transaction: a minute of seven hundred lanes leaves about as many
_TABLE = UncountedHour._meta.db_table
_TAKE = (
    f"DELETE FROM {_TABLE} WHERE id IN (SELECT id FROM {_TABLE} ORDER BY id LIMIT %s) "  # noqa: S608  constants
    "RETURNING checkpoint_id, hour"
)
_KIND = ("direction", "decision", "reason", "score_band")


def note(*, checkpoint: int, entries: Iterable[journal.Entry]) -> None:
    """Mark the hours of ``entries`` of the checkpoint with this key, in the transaction that stores them."""
    hours = sorted({entry.at - entry.at % HOUR for entry in entries})
    insert_new(UncountedHour, ("checkpoint", "hour"), [(checkpoint, hour) for hour in hours])


def count(*, now: int) -> int:
    """Count every hour that is marked; how many hours of checkpoints were counted. Twice does no harm."""
    total = 0
    while taken := _count_some(now=now):
        total += taken
    return total


def kept_since(now: int) -> int:
    """The first second whose figures are kept: as long as the entries themselves (`records.retention`)."""
    return Month.of(now).shifted(-authority().crossings_months).begin


def forget(*, now: int, dry: bool = False) -> int:
    """Let go of the figures of months whose entries are gone; how many rows."""
    rows = [model.objects.filter(hour__lt=kept_since(now)) for model in (CrossingHour, DecisionTimeHour)]
    return sum(due.count() if dry else due.delete()[0] for due in rows)


@transaction.atomic
def _count_some(*, now: int) -> int:
    alone()  # or who counted before a batch could write after who counted it
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [MARKS])
        places = {(int(checkpoint), int(hour)) for checkpoint, hour in cursor.fetchall()}
    for checkpoint, hour in sorted(places):
        if hour >= kept_since(now):
            _count_hour(checkpoint, hour)
    return len(places)


def _count_hour(checkpoint: int, hour: int) -> None:
    """By an index of the hour's month (border_journal_checkpoint)."""
    entries = JournalEntry.objects.filter(checkpoint_id=checkpoint, at__gte=hour, at__lt=hour + HOUR)
    found = entries.order_by().values_list(*_KIND).annotate(count=Count("pk"))
    times = entries.filter(took_ms__gt=0).order_by().values_list("took_ms").annotate(count=Count("pk"))
    CrossingHour.objects.filter(hour=hour, checkpoint_id=checkpoint).delete()
    CrossingHour.objects.bulk_create(
        CrossingHour(hour=hour, checkpoint_id=checkpoint, count=number, **dict(zip(_KIND, kind, strict=True)))
        for *kind, number in found
    )
    DecisionTimeHour.objects.filter(hour=hour, checkpoint_id=checkpoint).delete()
    DecisionTimeHour.objects.bulk_create(
        DecisionTimeHour(hour=hour, checkpoint_id=checkpoint, bucket=bucket, count=number)
        for bucket, number in buckets.filled(times).items()
    )
