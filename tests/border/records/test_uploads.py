"""Whatever is handed in, in whatever order, by however many at once: what is recorded is the lane's journal so far."""

import itertools
import random
import time
from collections.abc import Callable, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp.audit.models import AuditEvent
from idp.border import recording
from idp.border.models import AdmittedToken, Checkpoint, DuplicateAlert, JournalEntry, Lane
from idp.border.records import passing
from idp.protocol import journal, keys
from tests.border.world import Gate, World
from tests.oidc.test_races import race

LENGTH, WORKERS = 12, 32
KEY = keys.generate("ES256")
_names = itertools.count(100)


def gate_at(checkpoint: Checkpoint, now: int) -> Gate:
    """A lane that is enrolled, without the way of an officer and a machine."""
    lane = Lane.objects.create(
        checkpoint=checkpoint, name=f"lane-{next(_names)}", direction="entry", jwk=KEY.public.jwk(), enrolled_at=now
    )
    return Gate(lane, KEY, [])


def forged(gate: Gate, place: int) -> list[journal.Entry]:
    """The lane's journal with another entry at ``place``, and everything after it fitting."""
    entries = gate.entries[: place - 1]
    for entry in gate.entries[place - 1 :]:
        facts = {name: value for name, value in entry.wire().items() if name not in ("seq", "prev")}
        changed = {"at": entry.at - 1} if entry.seq == place else {}
        entries.append(journal.append(entries[-1] if entries else None, {**facts, **changed}))
    return entries


def assert_recorded(gate: Gate, count: int) -> None:
    lane = Lane.objects.get(pk=gate.lane.pk)
    recorded = list(lane.entries.order_by("seq").values_list("seq", "hash", "jti"))
    assert recorded == [(entry.seq, journal.entry_hash(entry), entry.jti) for entry in gate.entries[:count]]
    head = journal.entry_hash(gate.entries[count - 1]) if count else ""
    assert (lane.journal_seq, lane.journal_hash) == (count, head)
    assert AdmittedToken.objects.filter(lane=lane).count() == count


PIECES = st.lists(
    st.tuples(st.integers(1, LENGTH), st.integers(1, LENGTH), st.none() | st.integers(1, LENGTH)), max_size=8
)


@given(pieces=PIECES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_pieces_repeats_gaps_and_forks_leave_the_journal_as_the_lane_wrote_it(
    world: World, pieces: Sequence[tuple[int, int, int | None]]
) -> None:
    """Each piece is a range of the journal, sound, or with an entry changed that was recorded before."""
    gate = gate_at(world.checkpoint, world.now)
    for _ in range(LENGTH):
        gate.entry(world.now)
    count = 0
    for first, length, changed in pieces:
        last = min(first + length - 1, LENGTH)
        forge = changed is not None and first <= changed <= min(last, count)
        entries = forged(gate, changed or 0) if forge else gate.entries
        batch = journal.sign_head(entries[first - 1 : last], KEY)
        try:
            answer = recording.record(lane=gate.lane, batch=batch, now=world.now)
        except journal.ChainBroken as broken:
            expected = ("fork", changed) if forge else ("gap", count + 1)
            assert (broken.kind, broken.seq) == expected
            assert forge or first > count + 1
        else:
            assert not forge and first <= count + 1
            count = max(count, last)
            assert answer == count
        assert_recorded(gate, count)
    assert not DuplicateAlert.objects.exists()


# --- many at once ---------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("shared_database")
@pytest.mark.django_db(transaction=True)
def test_one_lanes_pieces_handed_in_by_32_workers_are_recorded_once(world: World) -> None:
    """A head that is read and then written lets two uploads record the same entries, or one lose its own."""
    gate = gate_at(world.checkpoint, world.now)
    for _ in range(WORKERS):
        gate.entry(world.now)
    chance = random.Random(5)

    def job(first: int) -> Callable[[], int]:
        batch = journal.sign_head(gate.entries[first - 1 : first + chance.randrange(5)], KEY)

        def hand_in() -> int:
            """Again and again, as a lane does, until those before it have come."""
            for _ in range(2_000):
                try:
                    return int(recording.record(lane=gate.lane, batch=batch, now=world.now) >= first)
                except journal.ChainBroken as broken:
                    assert broken.kind == "gap"
                    time.sleep(0.01)
            return 0

        return hand_in

    assert race(*[job(first) for first in range(1, WORKERS + 1)]) == [1] * WORKERS
    assert_recorded(gate, WORKERS)
    ranges = sorted((event.data["first"], event.data["last"]) for event in events("journal.recorded"))
    assert ranges[0][0] == 1 and ranges[-1][1] == WORKERS
    assert all(before[1] + 1 == after[0] for before, after in itertools.pairwise(ranges))
    assert not DuplicateAlert.objects.exists()


@pytest.mark.usefixtures("shared_database")
@pytest.mark.django_db(transaction=True)
def test_a_token_admitted_at_32_lanes_of_8_checkpoints_is_noticed_31_times(world: World) -> None:
    """Two uploads that each look before the other has stored overlook each other."""
    places = [world.checkpoint, *(world.register(f"place-{number}") for number in range(7))]
    tokens = ["one", "two", "three"]
    gates = [gate_at(places[number % 8], world.now) for number in range(WORKERS)]
    for number, gate in enumerate(gates):
        for jti in tokens[:: 1 if number % 2 else -1]:
            gate.entry(world.now, jti=jti)
    assert race(*[whole(gate, world.now) for gate in gates]) == [3] * WORKERS
    assert JournalEntry.objects.count() == 3 * WORKERS and AdmittedToken.objects.count() == 3
    for jti in tokens:
        alerts = DuplicateAlert.objects.filter(jti=jti)
        assert alerts.count() == WORKERS - 1
        claimed = AdmittedToken.objects.get(jti=jti)
        assert set(alerts.values_list("first_lane", "first_seq")) == {(claimed.lane_id, claimed.seq)}
        told = {*alerts.values_list("second_lane", flat=True), claimed.lane_id}
        assert told == {gate.lane.pk for gate in gates}
    assert len(events("crossing.duplicate")) == 3 * (WORKERS - 1)
    assert len(events("journal.recorded")) == WORKERS


def test_tokens_are_claimed_in_one_order_whoever_brings_them(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two uploads that claim two tokens crosswise PostgreSQL ends one: each waits for what the other has."""
    orders: list[list[tuple[str, str]]] = []

    def insert_new(model: object, names: object, rows: Sequence[tuple[str, str]]) -> int:
        orders.append([row[:2] for row in rows])
        return len(rows)

    monkeypatch.setattr(passing, "insert_new", insert_new)
    tokens = list(itertools.product(["https://b.example", "https://a.example"], ["2", "10", "1"]))
    for facts in (tokens, tokens[::-1]):
        gate = gate_at(world.checkpoint, world.now)
        for iss, jti in facts:
            gate.entry(world.now, iss=iss, jti=jti)
        whole(gate, world.now)()
    assert orders[0] == orders[1] and sorted(orders[0]) == sorted(tokens)


def whole(gate: Gate, now: int) -> Callable[[], int]:
    batch = gate.batch()
    return lambda: recording.record(lane=gate.lane, batch=batch, now=now)


def events(kind: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(kind=kind))
