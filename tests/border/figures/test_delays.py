"""Delays of revocations: each token is counted once for each lane, by the first bundle that the lane got of it."""

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from idp.border import revocation, tasks
from idp.border.figures import delays, reading
from idp.border.figures.buckets import bucket
from idp.border.models import HOUR, BundleFetch, IssuedToken, Lane, RevocationDelayHour
from tests.border.figures.tokens import issued
from tests.border.world import CODE, Gate, World
from tests.conftest import NOW

TIMES = st.integers(1, 4000)
SCRIPT = st.lists(st.tuples(TIMES, st.sampled_from(["poll 0", "poll 1", "revoke", "count"])), max_size=25)


@pytest.fixture
def token(world: World) -> IssuedToken:
    assert world.ask().status_code == 201
    return IssuedToken.objects.get()


@pytest.fixture
def lanes(world: World) -> list[Gate]:
    return [world.gate, world.enrol(world.register("futian"), "1", "entry")]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(script=SCRIPT)
def test_a_revocation_is_counted_twice_or_never_or_too_late(
    token: IssuedToken, lanes: list[Gate], script: Sequence[tuple[int, str]]
) -> None:
    RevocationDelayHour.objects.all().delete()
    BundleFetch.objects.all().delete()
    IssuedToken.objects.exclude(pk=token.pk).delete()
    places = [gate.lane for gate in lanes]
    Lane.objects.update(enrolled_at=NOW)
    for lane in places:
        lane.refresh_from_db()
    script = sorted(script, key=lambda item: (item[0], item[1] != "revoke"))
    for after, what in script:
        if what == "revoke":
            issued(token, at=NOW, revoked_at=NOW + after)
        elif what == "count":
            delays.count(now=NOW + after)
        else:
            delays.note(lane=places[int(what[-1])], now=NOW + after)
    delays.count(now=NOW + 9000)
    expected: Counter[tuple[int, str, int]] = Counter()
    for number, lane in enumerate(places):
        polls = [after for after, what in script if what == f"poll {number}"]
        for at in (after for after, what in script if what == "revoke"):
            first = next((poll for poll in polls if poll >= at), None)
            if first is not None:
                hour = (NOW + at) - (NOW + at) % HOUR
                expected[hour, lane.checkpoint.code, bucket(first - at)] += 1
    rows = RevocationDelayHour.objects.values_list("hour", "checkpoint__code", "bucket", "count")
    assert {tuple(key): count for *key, count in rows} == expected
    assert delays.count(now=NOW + 9000) == 0


def test_a_lane_that_polls_writes_rows_though_nothing_was_revoked(world: World, token: IssuedToken) -> None:
    def poll(at: int) -> int:
        headers = world.gate.headers(at)
        status = world.machine.get(f"/border/v1/checkpoints/{CODE}/bundle", headers=headers).status_code
        assert status == 200
        return BundleFetch.objects.count()

    assert poll(world.now) == 0
    IssuedToken.objects.update(issued_at=world.now - 100)
    Lane.objects.update(enrolled_at=world.now - 50)
    revocation.revoke(tokens=IssuedToken.objects.all(), actor="account:7", now=world.now - 20)
    assert (poll(world.now), poll(world.now)) == (1, 1)
    row = BundleFetch.objects.get()
    assert (row.since, row.at) == (world.now - 50, world.now)


def test_a_row_is_counted_while_a_revocation_may_be_under_way(world: World, token: IssuedToken) -> None:
    """A transaction that began before the fetch and ends after it."""
    Lane.objects.update(enrolled_at=NOW - 500)
    world.gate.lane.refresh_from_db()
    issued(token, at=NOW - 900, revoked_at=NOW - 100)
    delays.note(lane=world.gate.lane, now=NOW - 90)
    assert delays.count(now=NOW - 90 + delays.SETTLED - 1) == 0
    assert delays.count(now=NOW - 90 + delays.SETTLED) == 1
    assert reading.revocation_delays(since=NOW - 7200, until=NOW + 7200) == [(CODE, bucket(10), 1)]


def test_old_rows_stay_or_the_line_is_lost(world: World, token: IssuedToken) -> None:
    """The last row of a lane says from when on it has not heard: without it, old revocations are counted again."""
    Lane.objects.update(enrolled_at=NOW - 500)
    world.gate.lane.refresh_from_db()
    for after in (0, 10, 20):
        issued(token, at=NOW - 900, revoked_at=NOW + after)
        delays.note(lane=world.gate.lane, now=NOW + after + 5)
    delays.count(now=NOW + 2 * delays.KEPT)
    assert list(BundleFetch.objects.values_list("at", flat=True)) == [NOW + 25]


def test_a_lane_that_is_cut_off_is_not_told(world: World, token: IssuedToken, lanes: list[Gate]) -> None:
    Lane.objects.update(enrolled_at=NOW - 500)
    first, second = (gate.lane for gate in lanes)
    first.refresh_from_db()
    for ago in (100, 80):
        issued(token, at=NOW - 900, revoked_at=NOW - ago)
    issued(token, at=NOW - 3 * 86_400, revoked_at=NOW - 300)  # dead: no lane needs to know of it any more
    delays.note(lane=first, now=NOW - 90)
    found = [(item.lane, item.heard_at, item.tokens, item.oldest) for item in delays.lacking(now=NOW)]
    assert found == [(second, NOW - 500, 2, NOW - 100), (first, NOW - 90, 1, NOW - 80)]
    Lane.objects.filter(pk=second.pk).update(revoked_at=NOW)
    assert [item.lane for item in delays.lacking(now=NOW)] == [first]


def test_the_task_counts_nothing(world: World, token: IssuedToken) -> None:
    assert tasks.count_delays() == 0
    assert tasks.count_issuance() == 1
