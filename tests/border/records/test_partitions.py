"""The journal's months on PostgreSQL: each entry lies in its own, whoever made it and whenever it came."""

from collections.abc import Callable

import pytest
from django.db import connection, transaction

from idp.border import recording, tasks
from idp.border.models import JournalEntry
from idp.border.records import partitions
from idp.border.records.months import Month
from tests.border.world import Gate, World
from tests.oidc.test_races import race


@pytest.fixture
def on_postgresql(transactional_db: None) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one table")
    for month in partitions.months():
        partitions.drop(month)


def lie_in(table: str) -> list[int]:
    """The times of the entries there."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT at FROM {table} ORDER BY id")  # noqa: S608
        return [at for (at,) in cursor.fetchall()]


def upload(world: World, *times: int, gate: Gate | None = None) -> None:
    gate = gate or world.gate
    first = len(gate.entries) + 1
    for at in times:
        gate.entry(at)
    recording.record(lane=gate.lane, batch=gate.batch(first), now=world.now)


def test_each_entry_lies_in_its_month(on_postgresql: None, world: World) -> None:
    """An upload must not fail, nor land in the default partition, because nobody made the month before."""
    this = Month.of(world.now)
    times = [this.begin - 1, this.begin, this.end - 1, this.end]
    upload(world, *times)
    assert partitions.months() == [this.shifted(-1), this, this.shifted(1)]
    assert [lie_in(partitions.table(month)) for month in partitions.months()] == [times[:1], times[1:3], times[3:]]
    assert not lie_in(partitions.DEFAULT)


@pytest.mark.parametrize("at", [0, 1_600_000_000, 1_900_000_000, 2**53 - 1])
def test_a_clock_that_is_years_off_makes_no_month(on_postgresql: None, world: World, at: int) -> None:
    """A lane could make ten thousand tables with one batch."""
    upload(world, at)
    assert partitions.months() == [] and lie_in(partitions.DEFAULT) == [at]
    assert JournalEntry.objects.get().at == at


def test_what_came_too_early_moves_into_its_month(on_postgresql: None, world: World) -> None:
    """A month cannot be made while the default partition has entries of it: every upload of that month would fail."""
    early = Month.of(world.now).shifted(6)
    upload(world, early.begin, early.end - 1, early.end)
    assert len(lie_in(partitions.DEFAULT)) == 3
    world.now = early.begin + 5
    upload(world, world.now)
    assert lie_in(partitions.table(early)) == [early.begin, early.end - 1, early.begin + 5]
    assert lie_in(partitions.DEFAULT) == [early.end]
    assert set(JournalEntry.objects.values_list("seq", flat=True)) == {1, 2, 3, 4}


def test_the_coming_months_are_made_ahead_and_older_entries_find_theirs(on_postgresql: None, world: World) -> None:
    """After an upgrade the old table's rows lie in the default partition: none may stay there."""
    this = Month.of(world.now)
    with connection.cursor() as cursor:
        upload(world, this.shifted(-3).end - 1, world.now)
        for month in partitions.months():
            cursor.execute(f"ALTER TABLE {partitions.TABLE} DETACH PARTITION {partitions.table(month)}")
            cursor.execute(f"INSERT INTO {partitions.TABLE} SELECT * FROM {partitions.table(month)}")  # noqa: S608
            cursor.execute(f"DROP TABLE {partitions.table(month)}")
    assert len(lie_in(partitions.DEFAULT)) == 2
    for _ in range(2):
        tasks.prepare_months()
    assert partitions.months() == [this.shifted(-3), this, this.shifted(1), this.shifted(2)]
    assert not lie_in(partitions.DEFAULT)


def test_a_month_that_is_dropped_takes_its_entries_along(on_postgresql: None, world: World) -> None:
    this = Month.of(world.now)
    upload(world, this.begin - 1, this.begin)
    with transaction.atomic():
        partitions.drop(this.shifted(-1))
    assert list(JournalEntry.objects.values_list("at", flat=True)) == [this.begin]


@pytest.mark.usefixtures("shared_database")
@pytest.mark.django_db(transaction=True)
def test_uploads_at_a_months_first_second_make_it_once(world: World) -> None:
    """Each sees that the month is not there: one makes it, and no entry is lost or lies elsewhere."""
    first = Month.of(world.now).shifted(1)
    if connection.vendor == "postgresql":
        partitions.drop(first)
    gates = [world.gate, *(world.enrol(world.checkpoint, str(lane), sealing=world.gate.sealing) for lane in (2, 3, 4))]
    for gate in gates:
        gate.entry(first.begin)

    def job(gate: Gate) -> Callable[[], int]:
        batch = gate.batch()
        return lambda: recording.record(lane=gate.lane, batch=batch, now=first.begin)

    assert race(*[job(gate) for gate in gates]) == [1, 1, 1, 1]
    assert JournalEntry.objects.filter(at=first.begin).count() == 4
    if connection.vendor == "postgresql":
        assert lie_in(partitions.table(first)) == [first.begin] * 4
