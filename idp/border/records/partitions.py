"""The journal's months as tables of their own, on PostgreSQL. Elsewhere the journal is one table.

A month is made ahead by a task, or by the first upload that needs it. What was written by a clock that is off by more
than the window lies in the partition ``…_default``, and moves out of it when its month is made after all.
"""

from collections.abc import Iterable

from django.db import connection, transaction

from idp.border.models import JournalEntry
from idp.border.records.months import Month

AHEAD = 2  # months, by the task: a worker may be down for longer than one
BEHIND = 12  # months for which an upload makes a partition: a lane may have been cut off, or stored away
TABLE = JournalEntry._meta.db_table
DEFAULT = f"{TABLE}_default"
_LOCK = 0x6A6F75726E616C  # "journal": whoever makes or drops a month

# Not to_regclass, which remembers in a transaction what it did not find before it waited for the lock.
_MONTHS = (
    "SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid "  # noqa: S608  constants
    f"WHERE inhparent = '{TABLE}'::regclass AND child.relname <> '{DEFAULT}'"
)
# The days of entries, by their first second.
_FOUND = f"SELECT DISTINCT (at - %s) / 86400 * 86400 + %s FROM {DEFAULT} WHERE at >= %s AND at < %s"  # noqa: S608


def partitioned() -> bool:
    """Whether the journal has partitions here."""
    return connection.vendor == "postgresql"


def prepare(times: Iterable[int], *, now: int) -> None:
    """Make the months of ``times`` that lie in the window and are not there yet. Not in the transaction of an upload:
    whoever makes a month waits for those that write, and must hold up nobody meanwhile."""
    if not partitioned():
        return
    this = Month.of(now)
    first, last = this.shifted(-BEHIND), this.shifted(AHEAD)
    for month in sorted({Month.of(at) for at in times}):
        if first <= month <= last and not _exists(month):
            _make(month)


def prepare_ahead(*, now: int) -> None:
    """Make this month and the next ones, and those of the window's entries that lie in the default partition."""
    if not partitioned():
        return
    this = Month.of(now)
    begin, end = this.shifted(-BEHIND).begin, this.shifted(AHEAD).end
    with connection.cursor() as cursor:
        cursor.execute(_FOUND, [begin, begin, begin, end])
        days = [day for (day,) in cursor.fetchall()]
    prepare([*days, *(this.shifted(months).begin for months in range(AHEAD + 1))], now=now)


def months() -> list[Month]:
    """The months that have a partition, the oldest first."""
    if not partitioned():
        return []
    with connection.cursor() as cursor:
        cursor.execute(_MONTHS)
        names = [name.removeprefix(f"{TABLE}_").split("_") for (name,) in cursor.fetchall()]
    return sorted(Month(int(year), int(number)) for year, number in names)


def table(month: Month) -> str:
    """The name of its partition."""
    return f"{TABLE}_{month.year:04}_{month.number:02}"


@transaction.atomic
def drop(month: Month) -> None:
    """Let go of a whole month at once, in the caller's transaction if there is one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        cursor.execute(f"DROP TABLE IF EXISTS {table(month)}")


def _exists(month: Month) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"{_MONTHS} AND child.relname = %s", [table(month)])
        return cursor.fetchone() is not None


@transaction.atomic
def _make(month: Month) -> None:
    """One at a time, and once; entries of the month that came too early move in."""
    bounds = {"begin": month.begin, "end": month.end}
    columns = ", ".join(field.column for field in JournalEntry._meta.concrete_fields)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        if _exists(month):
            return
        # Attaching would lock it so in the end; by then somebody could have written an entry of the month into it.
        cursor.execute(f"LOCK TABLE {DEFAULT} IN ACCESS EXCLUSIVE MODE")
        cursor.execute(f"CREATE TABLE {table(month)} (LIKE {TABLE} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
        cursor.execute(
            f"WITH moved AS (DELETE FROM {DEFAULT} WHERE at >= %(begin)s AND at < %(end)s RETURNING {columns}) "  # noqa: S608
            f"INSERT INTO {table(month)} ({columns}) SELECT {columns} FROM moved",
            bounds,
        )
        cursor.execute(
            f"ALTER TABLE {TABLE} ATTACH PARTITION {table(month)} FOR VALUES FROM (%(begin)s) TO (%(end)s)", bounds
        )
