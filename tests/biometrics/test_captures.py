"""A job's takes: those that it asked for, in its order, or an officer, or another try. The real engine throughout."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.accounts.models import TravelDocument, Traveller
from idp.biometrics import captures, enrolment, following, jobs
from idp.biometrics.engine.challenge import Instruction
from idp.biometrics.models import Capture, Job
from idp.biometrics.tasks import compare
from tests.biometrics.world import burst, document, takes
from tests.conftest import NOW

LEFT_FIRST = [one.value for one in Instruction]


@pytest.fixture
def job(holder: Traveller, named: TravelDocument) -> Job:
    """It asks for left, right, closer."""
    begun = jobs.begin(traveller=holder, document=named, now=NOW)
    Job.objects.update(challenge=LEFT_FIRST)
    begun.refresh_from_db()
    return begun


def done(job: Job, *handed_in: tuple[bytes, ...]) -> Job:
    enrolment.submit(job=job, takes=handed_in, now=NOW)
    compare(str(job.pk))
    job.refresh_from_db()
    return job


def test_a_holder_who_obeys_is_not_linked(job: Job) -> None:
    done(job, *takes(0, *LEFT_FIRST))
    assert (job.state, job.reason) == (Job.State.DONE, "")
    assert job.liveness is not None and 0.5 <= job.liveness <= 1.0
    assert not Capture.objects.exists()


def test_a_recording_of_another_job_links_or_is_only_refused(job: Job) -> None:
    """invalid solely because of the order; an officer sees it, with what the comparison says."""
    done(job, *takes(0, *LEFT_FIRST[1:], LEFT_FIRST[0]))
    assert (job.state, job.reason, job.hint) == (Job.State.REVIEW, "face_not_live", "other_order")
    assert job.score is not None and job.score > 0.7
    assert Capture.objects.filter(job=job).count() == 21
    assert "other_order" not in str(following.answer(job))


def test_somebody_else_who_obeys_for_the_holder(job: Job) -> None:
    """invalid solely because the person changes after the take that looks straight."""
    done(job, takes(0, *LEFT_FIRST)[0], *takes(5, *LEFT_FIRST)[1:])
    assert (job.state, job.hint) == (Job.State.REVIEW, "another_person")


def test_somebody_else_who_obeys_in_the_holders_stead(job: Job) -> None:
    """invalid solely because it is another face: a mismatch, and no alarm."""
    done(job, *takes(5, *LEFT_FIRST))
    assert (job.state, job.reason) == (Job.State.FAILED, "face_mismatch")


def test_a_movement_not_made_is_said_and_the_score_is_kept_from_the_traveller(job: Job) -> None:
    """invalid solely because the head stays straight in the first take."""
    seen = takes(0, *LEFT_FIRST)
    done(job, seen[0], (*burst(0, 4), *burst(0, 5)), *seen[2:])
    assert (job.state, job.reason, job.hint) == (Job.State.FAILED, "face_not_live", "turn_left")
    assert job.liveness is not None and job.liveness < 0.5 and job.score is None
    assert following.answer(job) == {"state": "failed", "text": str(following.HINTS["turn_left"])}
    assert not Capture.objects.exists()


def test_two_jobs_that_always_ask_for_the_same(holder: Traveller) -> None:
    orders = set()
    for number in range(40):
        paper = document(f"A{number:07}", person=None)
        orders.add(tuple(jobs.begin(traveller=holder, document=paper, now=NOW).challenge))
    assert len(orders) > 1 and all(sorted(order) == sorted(Instruction) for order in orders)


def test_a_job_that_is_come_back_to_asks_for_something_else(job: Job) -> None:
    """A traveller who reloads until the order is the recording's."""
    again = jobs.begin(traveller=job.traveller, document=job.document, now=NOW + 60)
    assert (again.pk, again.challenge) == (job.pk, LEFT_FIRST)


@pytest.mark.parametrize(
    "counts", [(3, 4, 4), (3, 4, 4, 4, 4), (2, 4, 4, 4), (7, 4, 4, 4), (3, 3, 4, 4), (3, 4, 4, 9), (3,), ()]
)
def test_takes_of_another_number_are_kept(job: Job, counts: tuple[int, ...]) -> None:
    """invalid solely because of how many takes there are, or pictures in one."""
    with pytest.raises(jobs.UnableToEnrol) as refused:
        enrolment.submit(job=job, takes=[(b"x",) * count for count in counts], now=NOW)
    assert refused.value.code == "invalid_request" and not Capture.objects.exists()


def test_pictures_that_together_are_too_large_are_kept(job: Job) -> None:
    """invalid solely because of their sum."""
    large = bytes(captures.MAX_FRAME)
    with pytest.raises(jobs.UnableToEnrol):
        enrolment.submit(job=job, takes=[(large,) * 3, *[(large, b"x", b"x", large)] * 3], now=NOW)
    assert not Capture.objects.exists()


@given(st.tuples(st.integers(3, 6), *[st.integers(4, 8)] * 3))
def test_a_picture_that_comes_back_in_another_take(counts: tuple[int, ...]) -> None:
    """The number of a capture must say its take and its place."""
    numbers = [take * captures.TAKE + place for take, count in enumerate(counts) for place in range(count)]
    assert len(set(numbers)) == sum(counts)
    assert [number // captures.TAKE for number in numbers] == [
        t for t, count in enumerate(counts) for _ in range(count)
    ]


def test_takes_are_read_as_they_were_handed_in(job: Job) -> None:
    handed_in = [(b"a", b"b", b"c"), (b"d",) * 4, (b"e",) * 8, (b"f", b"g", b"h", b"i")]
    enrolment.submit(job=job, takes=handed_in, now=NOW)
    assert [tuple(take) for take in captures.takes(job=job)] == handed_in
