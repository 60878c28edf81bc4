"""The life of a face job: begun, handed its pictures, claimed by a worker, finished, or given up.

The row is the truth. Every move is one conditional UPDATE, so that of two who want to move a job one does.
"""

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from idp.accounts.models import TravelDocument, Traveller
from idp.audit import events
from idp.biometrics import attempts
from idp.biometrics.models import Capture, Job
from idp.protocol.refusals import Reason

LEASE = 60  # seconds; a job takes one or two
MAX_ATTEMPTS = 3  # of the workers, for what is ours
RETENTION = 72 * 3600  # of the pictures of a job that came to nothing, for an officer's review
ABANDONED = 24 * 3600  # of a job that got no pictures, so that none is handed in whose time is nearly over
OPEN = (Job.State.AWAITING, Job.State.QUEUED, Job.State.RUNNING)


class UnableToEnrol(Exception):
    """The job cannot be made or continued; ``code`` is the problem's."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def begin(*, traveller: Traveller, document: TravelDocument, now: int) -> Job:
    """The open job of this traveller and document, made if there is none. Raises `UnableToEnrol` (rate_limited)."""
    check_attempts(traveller=traveller, document=document, now=now)
    mine = Job.objects.filter(traveller=traveller, document=document, state__in=OPEN)
    try:
        with transaction.atomic():
            return mine.first() or Job.objects.create(traveller=traveller, document=document, created_at=now)
    except IntegrityError as error:  # biometrics_one_open_job: begun twice at once
        job = mine.first()
        if job is None:
            raise UnableToEnrol("conflict", "another job has just ended") from error
        return job


def check_attempts(*, traveller: Traveller, document: TravelDocument, now: int) -> None:
    """Raises `UnableToEnrol` (rate_limited)."""
    if attempts.exhausted(traveller=traveller, document=document, now=now):
        raise UnableToEnrol("rate_limited", "too many failed comparisons")


def queue(*, job: Job) -> None:
    """The job has its pictures. Raises `UnableToEnrol` (conflict) where it had them already."""
    if not Job.objects.filter(pk=job.pk, state=Job.State.AWAITING).update(state=Job.State.QUEUED):
        raise UnableToEnrol("conflict", "pictures were handed in already")


def claim(*, job_id: str, now: int) -> Job | None:
    """Take a job that is queued, or whose worker died; None where another has it. One conditional UPDATE decides."""
    taken = Job.objects.filter(
        Q(state=Job.State.QUEUED) | Q(state=Job.State.RUNNING, lease_until__lt=now),
        pk=job_id,
        attempts__lt=MAX_ATTEMPTS,
    ).update(state=Job.State.RUNNING, lease_until=now + LEASE, attempts=F("attempts") + 1)
    return Job.objects.select_related("traveller", "document").get(pk=job_id) if taken else None


def finish(
    *, job: Job, state: Job.State, now: int, reason: str = "", hint: str = "", score: float | None = None
) -> bool:
    """Close the job if it is still this attempt's; whether it was."""
    with transaction.atomic():
        done = Job.objects.filter(pk=job.pk, state=Job.State.RUNNING, attempts=job.attempts).update(
            state=state, reason=reason, hint=hint, score=score, finished_at=now
        )
        if done:
            events.record(
                kind=f"face_job.{state.value}",
                actor="worker",
                subject=str(job.pk),
                data={"reason": reason, "document": str(job.document_id)},
            )
    return bool(done)


def sweep(*, now: int) -> list[str]:
    """Jobs to wake a worker for again; gives up those that killed three, and forgets pictures kept too long."""
    stuck = Job.objects.filter(state=Job.State.RUNNING, lease_until__lt=now, attempts__gte=MAX_ATTEMPTS)
    for job in stuck:
        finish(job=job, state=Job.State.DEAD, now=now, reason=Reason.INTERNAL.value)
    Capture.objects.filter(job__finished_at__lt=now - RETENTION).delete()
    Capture.objects.filter(job__created_at__lt=now - RETENTION).delete()
    Job.objects.filter(state=Job.State.AWAITING, created_at__lt=now - ABANDONED).delete()
    waiting = Job.objects.filter(Q(state=Job.State.QUEUED) | Q(state=Job.State.RUNNING, lease_until__lt=now))
    waiting = waiting.order_by("created_at")
    return [str(pk) for pk in waiting.values_list("pk", flat=True)[:100]]
