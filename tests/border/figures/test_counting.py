"""The hours are what the journals say, whatever came when: each number is held against a count of the entries."""

import math
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp.border import recording, tasks
from idp.border.figures import counting, reading
from idp.border.models import HOUR, CrossingHour, DecisionTimeHour, JournalEntry, UncountedHour
from idp.border.records import partitions, retention, storing
from idp.border.records.months import ZONE, Month
from idp.protocol import journal
from tests.border.world import Gate, World
from tests.conftest import NOW

BORDER = Month.of(NOW).begin  # between two months, and a midnight of UTC+8
DAY = 86_400
SPAN = (BORDER - 3 * DAY, BORDER + 20 * DAY)
MACHINE = st.tuples(
    st.integers(*SPAN) | st.sampled_from([BORDER - 1, BORDER, BORDER + DAY - 1]),
    st.sampled_from([("admit", "", "high"), ("refer", "face_uncertain", "middle"), ("refuse", "expired", "")]),
    st.sampled_from([0, 1, 2, 700]) | st.integers(1, journal.MAX_TOOK_MS),
)
HISTORY = st.lists(st.tuples(st.integers(0, 2), st.lists(MACHINE, min_size=1, max_size=6), st.booleans()), max_size=6)
BY = ("bin", "clock", "checkpoint__code", "direction", "decision", "reason", "score_band")


@pytest.fixture
def gates(world: World) -> list[Gate]:
    """Two lanes of one checkpoint, one each way, and one of another."""
    second = world.enrol(world.checkpoint, "2", "entry", sealing=world.gate.sealing)
    return [world.gate, second, world.enrol(world.register("futian"), "1", "entry")]


def store(gate: Gate, facts: Sequence[tuple[Any, ...]]) -> None:
    """What an upload stores, without its signature."""
    entries = [
        gate.entry(at, decision=decision, reason=reason, score_band=band, **({"took_ms": took} if took else {}))
        for at, (decision, reason, band), took in facts
    ]
    storing.insert(gate.lane, entries, now=NOW)
    counting.note(checkpoint=gate.lane.checkpoint_id, entries=entries)


def naive(since: int, until: int, step: int) -> list[tuple[Any, ...]]:
    found = Counter(
        (
            (row.at - row.at % HOUR - since) // step,
            datetime.fromtimestamp(row.at, ZONE).hour,
            row.checkpoint.code,
            *(row.direction, row.decision, row.reason, row.score_band),
        )
        for row in JournalEntry.objects.filter(at__gte=since, at__lt=until).select_related("checkpoint")
    )
    return sorted((*key, number) for key, number in found.items())


def naive_times(since: int, until: int, step: int) -> Counter[tuple[Any, ...]]:
    rows = JournalEntry.objects.filter(at__gte=since, at__lt=until, took_ms__gt=0).select_related("checkpoint")
    return Counter(
        ((row.at - row.at % HOUR - since) // step, row.checkpoint.code, int(math.log2(row.took_ms) * 4 + 1e-9))
        for row in rows
    )


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=HISTORY, since=st.integers(-60, 60), hours=st.integers(1, 600), step=st.sampled_from([HOUR, DAY]))
def test_figures_are_another_number_than_the_entries(
    gates: list[Gate], history: Sequence[Any], since: int, hours: int, step: int
) -> None:
    """Uploads of late entries come between and after counts."""
    for model in (JournalEntry, CrossingHour, DecisionTimeHour):
        model.objects.all().delete()
    for gate, facts, counted in history:
        store(gates[gate], facts)
        if counted:
            counting.count(now=NOW)
    counting.count(now=NOW)
    begin, end = BORDER + since * HOUR, BORDER + (since + hours) * HOUR
    for first, last in ((begin, end), (SPAN[0] - SPAN[0] % HOUR, SPAN[1] + HOUR)):
        found = reading.crossings(since=first, until=last, step=step, by=BY, decisions=journal.DECISIONS)
        assert sorted(found) == naive(first, last, step)
        times = reading.decision_times(since=first, until=last, step=step, by=("bin", "checkpoint__code"))
        assert {tuple(key): count for *key, count in times} == naive_times(first, last, step)


def test_an_upload_is_not_counted(world: World) -> None:
    world.gate.entry(NOW - 10 * DAY)
    world.gate.entry(NOW)
    recording.record(lane=world.gate.lane, batch=world.gate.batch(), now=NOW)
    assert tasks.count_hours() == 2
    assert tasks.count_hours() == 0
    assert sorted(CrossingHour.objects.values_list("hour", "count")) == [(NOW - 10 * DAY, 1), (NOW, 1)]


def test_an_upload_that_is_rolled_back_leaves_a_mark(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.gate.entry(NOW)
    monkeypatch.setattr("idp.border.records.passing.claim", lambda *facts, **more: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        recording.record(lane=world.gate.lane, batch=world.gate.batch(), now=NOW)
    assert not UncountedHour.objects.exists()


def test_a_count_that_fails_forgets_its_marks(gates: list[Gate], monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that is killed between two hours: what it took is there for the next."""
    store(gates[0], [(NOW, ("admit", "", "high"), 5), (NOW - HOUR, ("admit", "", "high"), 5)])
    with monkeypatch.context() as broken:
        broken.setattr(counting, "_count_hour", lambda checkpoint, hour: 1 / 0)
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            counting.count(now=NOW)
    assert counting.count(now=NOW) == 2


def test_figures_outlive_their_entries(gates: list[Gate]) -> None:
    old = Month.of(NOW).shifted(-200).begin
    store(gates[0], [(old, ("admit", "", "high"), 5), (NOW, ("admit", "", "high"), 5)])
    counting.count(now=NOW)
    CrossingHour.objects.create(
        hour=old, checkpoint=gates[0].lane.checkpoint, direction="exit", decision="admit", count=1
    )
    assert retention.retain(now=NOW, dry=True).hours == 1
    assert retention.retain(now=NOW).hours == 1
    assert list(CrossingHour.objects.values_list("hour", flat=True)) == [NOW]


def test_a_late_mark_takes_away_what_was_counted_of_a_dropped_month(gates: list[Gate]) -> None:
    old = Month.of(NOW).shifted(-200).begin
    UncountedHour.objects.create(hour=old, checkpoint=gates[0].lane.checkpoint)
    assert counting.count(now=NOW) == 1
    assert not CrossingHour.objects.exists()


def test_a_month_of_figures_goes_through_the_journal(gates: list[Gate]) -> None:
    """Nor may the count of one hour look at more than that hour's month (connection.vendor: on PostgreSQL)."""
    partitions.prepare([BORDER - 1, NOW], now=NOW)
    store(gates[0], [(BORDER - 1, ("admit", "", "high"), 5), (NOW, ("admit", "", "high"), 5)])
    with CaptureQueriesContext(connection) as queries:
        reading.crossings(since=BORDER, until=BORDER + 31 * DAY, by=BY, decisions=journal.DECISIONS)
    assert len(queries) == 1 and "journalentry" not in queries[0]["sql"]
    with CaptureQueriesContext(connection) as queries:
        counting.count(now=NOW)
    read = next(query["sql"] for query in queries if "FROM" in query["sql"] and "journalentry" in query["sql"])
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {'QUERY PLAN ' if connection.vendor == 'sqlite' else ''}{read}")
        plan = "\n".join(str(row) for row in cursor.fetchall())
    if connection.vendor == "sqlite":
        assert "USING INDEX border_journal_checkpoint" in plan
    else:
        assert len({part for part in plan.split() if part.startswith("border_journalentry_")}) <= 2, plan
