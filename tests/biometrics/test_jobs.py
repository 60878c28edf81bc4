"""The life of a job among workers that race and die."""

import pytest

from idp.accounts.models import TravelDocument, Traveller
from idp.audit.models import AuditEvent
from idp.biometrics import enrolment, jobs, vault
from idp.biometrics.models import Job, Portrait
from idp.biometrics.tasks import compare
from tests.biometrics.world import document, submitted, traveller
from tests.conftest import NOW
from tests.oidc.test_races import race

FRAMES = (b"x", b"y", b"z")  # no picture is looked at here
WORKERS = 4


def queued(holder: Traveller, named: TravelDocument) -> str:
    return str(submitted(holder, named, FRAMES, NOW).pk)


@pytest.mark.usefixtures("shared_database")
@pytest.mark.django_db(transaction=True)
def test_one_of_four_workers_claims_a_job(now: int) -> None:
    """Each reads that it is queued before any has taken it."""
    job_id = queued(traveller("mei"), document(person=None))
    assert race(*[lambda: int(jobs.claim(job_id=job_id, now=NOW) is None)] * WORKERS) == [0, 1, 1, 1]
    assert Job.objects.get().attempts == 1


@pytest.mark.usefixtures("shared_database")
@pytest.mark.django_db(transaction=True)
def test_a_job_begun_four_times_at_once_is_one(now: int) -> None:
    """A second press of the button makes a second job, and a second guess."""
    holder, named = traveller("mei"), document(person=None)

    def begin() -> int:
        jobs.begin(traveller=holder, document=named, now=NOW)
        return 0

    assert race(*[begin] * WORKERS) == [0] * WORKERS
    assert Job.objects.count() == 1


def test_a_running_job_is_taken_over_when_its_lease_is_out(holder: Traveller, named: TravelDocument) -> None:
    job_id = queued(holder, named)
    assert jobs.claim(job_id=job_id, now=NOW) is not None
    assert jobs.claim(job_id=job_id, now=NOW + jobs.LEASE) is None
    assert jobs.sweep(now=NOW + jobs.LEASE) == []
    late = NOW + jobs.LEASE + 1
    assert jobs.sweep(now=late) == [job_id]
    taken = jobs.claim(job_id=job_id, now=late)
    assert taken is not None and taken.attempts == 2


def test_a_job_that_kills_three_workers_is_dead(holder: Traveller, named: TravelDocument) -> None:
    """And a late message of it starts no fourth attempt, before the sweep has seen it or after."""
    job_id, at = queued(holder, named), NOW
    for _ in range(jobs.MAX_ATTEMPTS):
        assert jobs.claim(job_id=job_id, now=at) is not None
        at += jobs.LEASE + 1
    assert jobs.claim(job_id=job_id, now=at) is None
    assert jobs.sweep(now=at) == []
    assert jobs.claim(job_id=job_id, now=at) is None
    job = Job.objects.get()
    assert (job.state, job.reason, job.finished_at) == (Job.State.DEAD, "internal", at)
    assert AuditEvent.objects.get(kind="face_job.dead").subject == job_id
    assert jobs.begin(traveller=holder, document=named, now=at).pk != job.pk, "the traveller may try again"


def test_what_is_ours_leaves_the_job_to_be_tried_again(holder: Traveller, named: TravelDocument) -> None:
    """The portrait does not open (a key was restored wrongly): no fault of the traveller's."""
    Portrait.objects.update(sealed=vault.seal(b"x", kind="portrait", owner="another"))
    job_id = queued(holder, named)
    compare(job_id)
    assert Job.objects.get().state == Job.State.RUNNING
    assert jobs.sweep(now=NOW + jobs.LEASE + 1) == [job_id]


def test_an_overtaken_attempt_changes_nothing(holder: Traveller, named: TravelDocument) -> None:
    """A worker that slept through its lease wakes up and wants to finish."""
    job_id = queued(holder, named)
    slow = jobs.claim(job_id=job_id, now=NOW)
    fast = jobs.claim(job_id=job_id, now=NOW + jobs.LEASE + 1)
    assert slow is not None and fast is not None
    with pytest.raises(jobs.NotOurs):
        enrolment.run(job=slow, now=NOW + jobs.LEASE + 2)
    assert Job.objects.get().state == Job.State.RUNNING
    enrolment.run(job=fast, now=NOW + jobs.LEASE + 3)
    done = Job.objects.get()
    assert (done.state, done.finished_at) == (Job.State.FAILED, NOW + jobs.LEASE + 3)
    with pytest.raises(jobs.NotOurs):
        enrolment.run(job=slow, now=NOW + jobs.LEASE + 4)
    assert Job.objects.get().finished_at == done.finished_at
    assert AuditEvent.objects.filter(kind="face_job.failed").count() == 1


def test_a_job_that_is_not_there_harms_no_worker(db: None) -> None:
    compare("00000000-0000-0000-0000-000000000000")


@pytest.mark.parametrize(("asked", "state"), [([], "queued"), (["turn_left"], "failed")])
def test_only_what_had_pictures_ends_with_them(
    holder: Traveller, named: TravelDocument, asked: list[str], state: str
) -> None:
    """A renewal from the register's portrait has nothing to lose, and waits for a worker for as long as it takes."""
    facts = {"kind": "renew", "traveller": holder, "document": named, "state": "queued", "created_at": NOW}
    job = Job.objects.create(challenge=asked, **facts)
    late = NOW + jobs.RETENTION + 1
    assert jobs.sweep(now=late) == ([str(job.pk)] if state == "queued" else [])
    job.refresh_from_db()
    assert job.state == state
    Job.objects.update(state="dead", finished_at=late)
    if asked:
        with pytest.raises(jobs.UnableToEnrol):
            jobs.retry(job=job, officer="account:7", now=late)
    else:
        jobs.retry(job=job, officer="account:7", now=late)


def test_no_worker_outlives_its_lease() -> None:
    """It would be overtaken while it works, and what it has found would be dropped."""
    assert compare.time_limit is not None and compare.time_limit < jobs.LEASE


def test_a_worker_that_goes_on_goes_on_holding_its_job(
    holder: Traveller, named: TravelDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each stage begins the lease anew."""
    job = jobs.claim(job_id=queued(holder, named), now=NOW)
    assert job is not None
    monkeypatch.setattr("idp.clock.now", lambda: NOW + 50)
    jobs.progress(job=job, stage="faces")
    assert jobs.sweep(now=NOW + 50 + jobs.LEASE) == []
    assert jobs.sweep(now=NOW + 50 + jobs.LEASE + 1) == [str(job.pk)]
