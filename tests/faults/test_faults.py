"""A short run of `tests.faults.run` on each broker: no job is lost and none done twice."""

import pytest

from tests.faults import brokers, run

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("name", brokers.EVERY)
def test_killed_workers_and_brokers_lose_no_job_and_do_none_twice(name: str) -> None:
    """At least two workers are killed and the broker once, with what it held."""
    brokers.need(name)
    found = run.in_a_process(name, jobs=20, seed=7)
    assert (found["lost"], found["done_twice"], found["pictures_left"]) == (0, 0, 0), found
    assert found["workers_killed"] and found["broker_restarts"], found
