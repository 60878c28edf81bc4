"""How often a face may fail: counted once each, whoever races, and forgotten by a match or an officer."""

import pytest

from idp.accounts.models import TravelDocument, Traveller
from idp.audit.models import AuditEvent
from idp.biometrics import attempts, enrolment, jobs, moves
from idp.biometrics.models import Attempts, Job
from idp.biometrics.tasks import compare
from idp.protocol.refusals import Reason
from tests.biometrics.world import burst, document, submitted, traveller
from tests.conftest import NOW
from tests.oidc.test_races import race

WORKERS = 8
GARBAGE = (b"x", b"y", b"z")


def failed(holder: Traveller, named: TravelDocument, now: int = NOW) -> Job:
    """A comparison that fails, the whole way."""
    job = jobs.begin(traveller=holder, document=named, now=now)
    jobs.queue(job=job, now=now)
    claimed = jobs.claim(job_id=str(job.pk), now=now)
    assert claimed is not None
    jobs.finish(job=claimed, move=moves.FAIL, now=now, reason=Reason.FACE_MISMATCH)
    return claimed


def test_five_failures_in_a_row_make_wait_the_traveller_and_the_document(
    holder: Traveller, named: TravelDocument
) -> None:
    """invalid solely because five comparisons failed, by this traveller or with this document."""
    other, third = document("B7654321", person=None), traveller("siu")
    begun = jobs.begin(traveller=third, document=named, now=NOW)
    for _ in range(attempts.IN_A_ROW):
        failed(holder, named)
    for attempt in (
        lambda: jobs.begin(traveller=holder, document=named, now=NOW),
        lambda: jobs.begin(traveller=holder, document=other, now=NOW),
        lambda: jobs.begin(traveller=third, document=named, now=NOW + attempts.FIRST_DELAY - 1),
        lambda: enrolment.submit(job=begun, takes=[burst(0)], now=NOW),
    ):
        with pytest.raises(jobs.UnableToEnrol) as refused:
            attempt()
        assert refused.value.code == "rate_limited" and 0 < refused.value.retry_after <= attempts.FIRST_DELAY
    assert jobs.begin(traveller=third, document=other, now=NOW)
    assert jobs.begin(traveller=holder, document=named, now=NOW + attempts.FIRST_DELAY)


def test_each_further_failure_doubles_the_delay_up_to_an_hour() -> None:
    delays = [attempts.delay(failures) for failures in range(60)]
    assert delays[:5] == [0] * 5 and delays[5:13] == [30, 60, 120, 240, 480, 960, 1920, 3600]
    assert set(delays[13:]) == {3600}


def test_after_fifty_an_officer_has_to_reset(holder: Traveller, named: TravelDocument) -> None:
    """invalid solely because of the number; time does not help."""
    at = NOW
    for _ in range(attempts.ALTOGETHER):
        failed(holder, named, at)
        at += attempts.LONGEST_DELAY
    with pytest.raises(jobs.UnableToEnrol) as refused:
        jobs.begin(traveller=holder, document=named, now=at + 10**9)
    assert refused.value.code == "rate_limited"
    assert {row.subject for row in AuditEvent.objects.filter(kind="face_attempts.exhausted")} == {
        f"document:{named.pk}",
        f"traveller:{holder.pk}",
    }
    for row in Attempts.objects.all():
        attempts.reset(row=row, officer="account:7")
    assert jobs.begin(traveller=holder, document=named, now=at)
    assert AuditEvent.objects.filter(kind="face_attempts.reset", actor="account:7", data={"failures": 50}).count() == 2


def test_a_match_forgets_what_failed_before(holder: Traveller, named: TravelDocument) -> None:
    for _ in range(attempts.IN_A_ROW - 1):
        failed(holder, named)
    compare(str(submitted(holder, named, burst(0), NOW).pk))
    assert set(Attempts.objects.values_list("failures", "not_before")) == {(0, 0)}


@pytest.mark.parametrize("reason", sorted(attempts.NOT_COUNTED))
def test_what_is_no_failed_comparison_is_not_counted(holder: Traveller, named: TravelDocument, reason: Reason) -> None:
    """Else a register without a portrait, or a fault of ours, would lock a traveller out."""
    job = submitted(holder, named, GARBAGE, NOW)
    claimed = jobs.claim(job_id=str(job.pk), now=NOW)
    assert claimed is not None
    jobs.finish(job=claimed, move=moves.FAIL, now=NOW, reason=reason)
    assert not Attempts.objects.exists()


def test_jobs_that_were_queued_before_the_fifth_failure_are_not_compared(
    holder: Traveller, named: TravelDocument
) -> None:
    """Ten accounts hand in their pictures before any worker looks: five guesses, not ten."""
    queued = [submitted(traveller(f"t{number}"), named, GARBAGE, NOW) for number in range(10)]
    for job in queued:
        compare(str(job.pk))
    reasons = sorted(Job.objects.values_list("reason", flat=True))
    assert reasons == ["attempts_exceeded"] * 5 + ["malformed"] * 5
    assert Attempts.objects.get(document=named).failures == attempts.IN_A_ROW


@pytest.mark.usefixtures("shared_database")
@pytest.mark.django_db(transaction=True)
def test_no_failure_is_lost_among_workers_that_fail_at_once(now: int) -> None:
    """Each reads the count before any has written it; and nobody's transaction waits for another's in a ring."""
    named, people = document(person=None), [traveller(f"t{number}") for number in range(WORKERS)]
    other = document("B7654321", person=None)
    claimed = []
    for number, holder in enumerate(people):
        job = jobs.begin(traveller=holder, document=named if number % 2 else other, now=NOW)
        jobs.queue(job=job, now=NOW)
        claimed.append(jobs.claim(job_id=str(job.pk), now=NOW))
    second = [
        jobs.begin(traveller=holder, document=other if n % 2 else named, now=NOW) for n, holder in enumerate(people)
    ]
    for job in second:
        jobs.queue(job=job, now=NOW)
        claimed.append(jobs.claim(job_id=str(job.pk), now=NOW))

    def fail(job: Job) -> int:
        jobs.finish(job=job, move=moves.FAIL, now=NOW, reason=Reason.FACE_MISMATCH)
        return 0

    assert race(*[lambda job=job: fail(job) for job in claimed if job]) == [0] * 2 * WORKERS
    assert sorted(Attempts.objects.filter(traveller=None).values_list("failures", flat=True)) == [WORKERS, WORKERS]
    assert set(Attempts.objects.filter(document=None).values_list("failures", flat=True)) == {2}
    assert set(Attempts.objects.filter(traveller=None).values_list("not_before", flat=True)) == {NOW + 240}


@pytest.mark.usefixtures("shared_database")
@pytest.mark.django_db(transaction=True)
def test_a_worker_that_finishes_twice_is_counted_once(now: int) -> None:
    """The count and the end of the job are one transaction."""
    holder, named = traveller("mei"), document(person=None)
    job = jobs.begin(traveller=holder, document=named, now=NOW)
    jobs.queue(job=job, now=NOW)
    claimed = jobs.claim(job_id=str(job.pk), now=NOW)
    assert claimed is not None

    def finish() -> int:
        try:
            jobs.finish(job=claimed, move=moves.FAIL, now=NOW, reason=Reason.FACE_MISMATCH)
        except jobs.NotOurs:
            return 1
        return 0

    assert race(*[finish] * 4) == [0, 1, 1, 1]
    assert set(Attempts.objects.values_list("failures", flat=True)) == {1}
