"""Two counts, an upload between them: on PostgreSQL, where they really are at the same time."""

from idp.border import recording
from idp.border.figures import counting, delays
from idp.border.models import HOUR, BundleFetch, CrossingHour, IssuedToken, Lane, RevocationDelayHour, UncountedHour
from tests.border.figures.tokens import issued
from tests.border.world import World
from tests.conftest import NOW
from tests.oidc.test_races import race


def test_a_count_that_began_before_an_upload_writes_after_it(shared_database: None, world: World) -> None:
    lanes = [world.gate, *(world.enrol(world.checkpoint, name, "exit", sealing=world.gate.sealing) for name in "23")]
    for gate in lanes:
        gate.entry(NOW)

    def upload(number: int) -> int:
        return recording.record(lane=lanes[number].lane, batch=lanes[number].batch(), now=NOW)

    def count() -> int:
        return min(0, counting.count(now=NOW))

    race(*(lambda number=number: upload(number) for number in range(3)), count, count)  # type: ignore[misc]
    counting.count(now=NOW)
    assert CrossingHour.objects.get().count == 3 and not UncountedHour.objects.exists()


def test_a_lane_that_asks_twice_at_once_is_counted_twice(shared_database: None, world: World) -> None:
    assert world.ask().status_code == 201
    Lane.objects.update(enrolled_at=NOW - 500)
    world.gate.lane.refresh_from_db()
    issued(IssuedToken.objects.get(), at=NOW - 900, revoked_at=NOW - 100)

    def fetch(at: int) -> int:
        delays.note(lane=world.gate.lane, now=at)
        return 0

    race(lambda: fetch(NOW - 90), lambda: fetch(NOW - 89), lambda: fetch(NOW - 88))
    race(lambda: min(0, delays.count(now=NOW)), lambda: min(0, delays.count(now=NOW)))
    assert list(BundleFetch.objects.values_list("since", "counted")) == [(NOW - 500, True)]
    assert list(RevocationDelayHour.objects.values_list("hour", "count")) == [(NOW - NOW % HOUR - HOUR, 1)]
