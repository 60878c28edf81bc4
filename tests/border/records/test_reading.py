"""What officers find in the journals: what they asked for, page by page, out of the months that it is about."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from idp.border import paging, recording
from idp.border.models import JournalEntry
from idp.border.records import partitions, reading
from idp.border.records.months import Month
from idp.border.records.reading import DAY, Wanted
from tests.border.world import Gate, World


@pytest.fixture
def gates(world: World) -> list[Gate]:
    """Two lanes of one checkpoint and one of another."""
    second = world.enrol(world.checkpoint, "2", "entry", sealing=world.gate.sealing)
    return [world.gate, second, world.enrol(world.register("futian"), "1", "entry")]


def hand_in(world: World, gates: list[Gate]) -> None:
    for gate in gates:
        recording.record(lane=gate.lane, batch=gate.batch(), now=world.now)


def numbers(wanted: Wanted, now: int) -> list[str]:
    return [entry.jti for entry in reading.entries(wanted, now=now)]


@pytest.fixture
def crossed(world: World, gates: list[Gate]) -> World:
    for at, (gate, number) in enumerate(itertools.product(gates, "ab")):
        gate.entry(world.now - 100 + at, jti=f"{gate.lane.checkpoint.code}/{gate.lane.name}/{number}", sub=number)
    gates[0].entry(world.now - 50, jti="refused", decision="refuse", reason="expired")
    gates[2].entry(world.now - 40, jti="referred", decision="refer", reason="face_uncertain")
    hand_in(world, gates)
    return world


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Wanted(lane="2", checkpoint="lo-wu"), ["lo-wu/2/b", "lo-wu/2/a"]),
        (Wanted(checkpoint="futian"), ["referred", "futian/1/b", "futian/1/a"]),
        (Wanted(checkpoint="lo-wu", direction="entry"), ["lo-wu/2/b", "lo-wu/2/a"]),
        (Wanted(checkpoint="lo-wu", decision="refuse"), ["refused"]),
        (Wanted(decision="refer"), ["referred"]),
        (Wanted(reason="expired"), ["refused"]),
        (Wanted(reason="expired", checkpoint="futian"), []),
        (Wanted(jti="lo-wu/1/a"), ["lo-wu/1/a"]),
        (Wanted(subject="b"), ["futian/1/b", "lo-wu/2/b", "lo-wu/1/b"]),
        (Wanted(checkpoint="nowhere"), []),
        (Wanted(checkpoint="lo-wu", lane="9"), []),
        (Wanted(lane="2"), []),
    ],
)
def test_what_was_asked_for_is_found_and_nothing_else(crossed: World, wanted: Wanted, found: list[str]) -> None:
    """A filter that is overlooked shows everybody's crossings; a place that is unknown must not mean every place."""
    assert numbers(wanted, crossed.now) == found


def test_no_read_is_without_a_time(world: World) -> None:
    """A read that names none would go through every month that is kept."""
    ages = [0, DAY - 1, DAY + 1, 30 * DAY, 32 * DAY, -3000]
    for age in ages:
        world.gate.entry(world.now - age, jti=f"age {age}", sub="one")
    hand_in(world, [world.gate])
    assert numbers(Wanted(), world.now) == ["age -3000", "age 0", "age 86399"]
    assert numbers(Wanted(subject="one"), world.now) == ["age -3000", "age 0", "age 86399", "age 86401", "age 2592000"]
    assert numbers(Wanted(until=world.now - 29 * DAY), world.now) == ["age 2592000"]
    assert numbers(Wanted(since=world.now - 40 * DAY, until=world.now - 31 * DAY), world.now) == ["age 2764800"]
    assert numbers(Wanted(since=world.now, until=world.now), world.now) == []


def test_entries_are_found_by_their_place(crossed: World) -> None:
    found = reading.entry(checkpoint="lo-wu", lane="1", seq=3)
    assert found is not None and found.jti == "refused"
    for place in (("lo-wu", "1", 4), ("lo-wu", "3", 1), ("futian", "2", 1)):
        assert reading.entry(checkpoint=place[0], lane=place[1], seq=place[2]) is None


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_pages_hold_every_entry_once_and_in_order(world: World, gates: list[Gate], limit: int) -> None:
    """Entries of one second lie on two pages: by time alone they would come twice, or not at all."""
    for gate, at in itertools.product(gates, (3, 1, 1, 2)):
        gate.entry(world.now - at)
    hand_in(world, gates)
    rows = reading.entries(Wanted(), now=world.now)
    found: list[tuple[int, int]] = []
    after: str | None = ""
    while after is not None:
        page = paging.page(rows, order=reading.ORDER, after=after, limit=limit)
        found += [(row.at, row.pk) for row in page.rows]
        after = page.after
    assert found == sorted(found, reverse=True) and len(set(found)) == len(found) == 12


# --- how PostgreSQL goes about it -----------------------------------------------------------------------------------

READS = [
    ("border_journal_latest", Wanted()),
    ("border_journal_latest", Wanted(decision="admit")),
    ("border_journal_not_admitted", Wanted(decision="refuse")),
    ("border_journal_reason", Wanted(reason="expired")),
    ("border_journal_checkpoint", Wanted(checkpoint="lo-wu")),
    ("border_journal_checkpoint", Wanted(checkpoint="lo-wu", direction="entry")),
    ("border_journal_checkpoint", Wanted(checkpoint="lo-wu", decision="admit")),
    ("border_journal_lane", Wanted(checkpoint="lo-wu", lane="1")),
    ("border_journal_jti", Wanted(jti="token-7")),
    ("border_journal_subject", Wanted(subject="s7")),
]


@pytest.fixture
def a_year(transactional_db: None, world: World) -> list[Month]:
    """Months with thousands of entries each, and what PostgreSQL knows of them."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one table")
    this = Month.of(world.now)
    months = [this.shifted(-back) for back in range(6)]
    partitions.prepare([month.begin for month in months], now=world.now)
    other = world.enrol(world.register("futian"), "1", "entry")
    places = json.dumps([[gate.lane.checkpoint_id, gate.lane.pk] for gate in (world.gate, other)])
    with connection.cursor() as cursor:
        for month in months:
            cursor.execute(FILL, {"places": places, "begin": month.begin, "end": month.end})
        cursor.execute(f"ANALYZE {partitions.TABLE}")
    return months


FILL = """
INSERT INTO border_journalentry (checkpoint_id, lane_id, seq, prev, hash, at, jti, issuer, subject, direction, decision,
  reason, score_band, bundle_serial, about, officers, received_at)
SELECT (place ->> 0)::int, (place ->> 1)::int, %(begin)s + n, 'p', 'h', at, 'token-' || n, 'i', 's' || n %% 300,
  CASE WHEN n %% 2 = 0 THEN 'entry' ELSE 'exit' END,
  CASE WHEN n %% 50 = 0 THEN 'refuse' WHEN n %% 12 = 0 THEN 'refer' ELSE 'admit' END,
  CASE WHEN n %% 50 = 0 THEN 'expired' WHEN n %% 12 = 0 THEN 'face_uncertain' ELSE '' END, 'high', 1, 0, '', at
FROM generate_series(0, 3999) n,
  LATERAL (SELECT %(begin)s + n::bigint * (%(end)s - %(begin)s) / 4000, %(places)s::json -> n %% 2) AS spread(at, place)
"""


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def test_a_read_looks_at_its_months_alone_and_by_its_index(a_year: list[Month], world: World) -> None:
    """Without pruning each read slows down with every month that is kept; without its index, with every crossing."""
    parts = indexes()
    for index, wanted in READS:
        rows = reading.entries(wanted, now=world.now)[:51]
        plan = list(nodes(json.loads(rows.explain(format="json"))[0]["Plan"]))
        since, until = reading.span(wanted, now=world.now)
        asked = {partitions.table(month) for month in (Month.of(since), Month.of(until - 1))}
        assert {node["Relation Name"] for node in plan if "Relation Name" in node} == asked, (wanted, plan)
        assert {parts[node["Index Name"]] for node in plan if "Index Name" in node} == {index}, (wanted, plan)
        assert not [node for node in plan if node["Node Type"] == "Seq Scan"], (wanted, plan)


def indexes() -> dict[str, str]:
    """The partitions' indexes, and of which index of the journal each is a part."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text, inhparent::regclass::text FROM pg_inherits")
        return dict(cursor.fetchall())


def test_every_index_is_there_for_a_read() -> None:
    """One that no read needs makes every upload slower."""
    assert {index.name for index in JournalEntry._meta.indexes} == {index for index, _ in READS}


def test_a_read_by_place_is_by_its_index(a_year: list[Month], world: World) -> None:
    """Its time is not known: each month is asked, and must answer by the lane and the number."""
    parts, rows = indexes(), world.gate.lane.entries.filter(seq=7)
    plan = list(nodes(json.loads(rows.explain(format="json"))[0]["Plan"]))
    used = {node["Relation Name"]: parts[node["Index Name"]] for node in plan if "Index Name" in node}
    assert {used[partitions.table(month)] for month in a_year} == {"border_journal_entry_once"}, plan
