"""The life of a face job: begun, handed its pictures, claimed by a worker, finished, cancelled, or given up.

The row is the truth, and `moves` says what may become of it. What goes with a move (the audit event, the count of
failures, the end of the pictures) stands or falls with it in one transaction.
"""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from idp import clock
from idp.accounts.models import TravelDocument, Traveller
from idp.audit import events
from idp.biometrics import attempts, moves, orders
from idp.biometrics.models import OPEN_STATES, Capture, Job
from idp.biometrics.moves import Move
from idp.biometrics.waking import wake
from idp.protocol.refusals import Reason

POSTPONED = 30  # seconds; a token or a database that comes back is noticed in half a minute
LEASE = 60  # seconds; longer than a worker may take (`tasks.HARD_LIMIT`), so that none is overtaken while it works
MAX_ATTEMPTS = 3  # of the workers, for what is ours
RETENTION = 72 * 3600  # of the pictures, since the job was begun: an officer may have to see them
WITH_PICTURES = ~Q(kind=Job.Kind.RENEW) | ~Q(challenge=[])  # a renewal from the register's portrait has none to lose
ABANDONED = 24 * 3600  # of a job that got no pictures, so that none is handed in whose time is nearly over


class UnableToEnrol(Exception):
    """The job cannot be made or continued; ``code`` is the problem's, ``retry_after`` seconds where waiting helps."""

    def __init__(self, code: str, detail: str, *, retry_after: int = 0) -> None:
        super().__init__(detail)
        self.code, self.retry_after = code, retry_after


class NotOurs(Exception):
    """The job was cancelled, or another worker has it: what this one finds is dropped."""


def begin(
    *, traveller: Traveller, document: TravelDocument, now: int, kind: Job.Kind = Job.Kind.LINK, model: str = ""
) -> Job:
    """The open job of that kind, which waits for pictures, made if there is none. Raises `UnableToEnrol`
    (rate_limited, conflict)."""
    check_attempts(traveller=traveller, document=document, now=now)
    which = {"traveller": traveller, "document": document, "kind": kind, "model": model}
    mine = Job.objects.filter(**which, state__in=OPEN_STATES)
    try:
        with transaction.atomic():
            return mine.first() or Job.objects.create(**which, challenge=orders.draw(document=document), created_at=now)
    except IntegrityError as error:  # biometrics_one_open_job: begun twice at once
        job = mine.first()
        if job is None:
            raise UnableToEnrol("conflict", "another job has just ended") from error
        return job


def check_attempts(*, traveller: Traveller, document: TravelDocument, now: int) -> None:
    """Raises `UnableToEnrol` (rate_limited)."""
    wait = attempts.wait(traveller=traveller, document=document, now=now)
    if wait:
        raise UnableToEnrol("rate_limited", "too many failed comparisons", retry_after=wait)


def queue(*, job: Job, now: int) -> None:
    """The job has its pictures. Raises `UnableToEnrol` (conflict) where it had them already, or was cancelled."""
    if not moves.make(moves.HAND_IN, job_id=job.pk, now=now):
        raise UnableToEnrol("conflict", "pictures were handed in already")
    wake(str(job.pk))


def claim(*, job_id: str, now: int) -> Job | None:
    """Take a job that is queued, or whose worker died; None where another has it."""
    taken = moves.claimed(job_id=job_id, now=now, until=now + LEASE, at_most=MAX_ATTEMPTS)
    return Job.objects.select_related("traveller", "document").get(pk=job_id) if taken else None


def progress(*, job: Job, stage: str) -> None:
    """Say how far a claimed job is, and go on holding it. Raises `NotOurs`."""
    mine = Job.objects.filter(pk=job.pk, state=Job.State.RUNNING, turn=job.turn)
    if not mine.update(stage=stage, lease_until=clock.now() + LEASE):
        raise NotOurs(f"face job {job.pk}")


def postpone(*, job: Job, now: int) -> None:
    """What surrounds us did not answer: another worker takes the job when its lease ends, and nothing was tried."""
    mine = Job.objects.filter(pk=job.pk, state=Job.State.RUNNING, turn=job.turn)
    mine.update(stage="", lease_until=now + POSTPONED, attempts=F("attempts") - 1)


@transaction.atomic
def finish(*, job: Job, move: Move, now: int, reason: Reason | None = None, **changes: Any) -> None:
    """End this attempt by ``move`` (of those that start from running). Raises `NotOurs`.

    ``changes`` are fields of the row: hint, score, liveness. Pictures stay for an officer only.
    """
    value = reason.value if reason else ""
    if not moves.make(move, job_id=job.pk, now=now, only=Q(turn=job.turn), reason=value, **changes):
        raise NotOurs(f"face job {job.pk}")
    if move is moves.FAIL and reason is not None:
        attempts.failed(job=job, reason=reason, now=now)
    if move is moves.SUCCEED:
        attempts.matched(job=job)
    if move in (moves.FAIL, moves.SUCCEED):
        forget(job_id=job.pk)
    record(job, move, actor="worker", data={"reason": value})


@transaction.atomic
def cancel(*, job: Job, now: int) -> None:
    """The traveller wants it no more: the pictures go at once. Raises `UnableToEnrol` (conflict)."""
    if not moves.make(moves.CANCEL, job_id=job.pk, now=now):
        raise UnableToEnrol("conflict", "it is over, or an officer has it")
    forget(job_id=job.pk)
    record(job, moves.CANCEL, actor=f"traveller:{job.traveller_id}")


@transaction.atomic
def retry(*, job: Job, officer: str, now: int) -> None:
    """Queue a dead job once more. Raises `UnableToEnrol` (conflict): not dead, pictures gone, or begun anew since."""
    fit = Q(created_at__gte=now - RETENTION) | ~WITH_PICTURES
    try:
        with transaction.atomic():
            moved = moves.make(moves.RETRY, job_id=job.pk, now=now, only=fit, attempts=0, reason="", hint="", stage="")
    except IntegrityError as error:  # biometrics_one_open_job
        raise UnableToEnrol("conflict", "the traveller has begun another") from error
    if not moved:
        raise UnableToEnrol("conflict", "it is not dead, or its pictures have been deleted")
    events.record(kind="face_job.retried", actor=officer, subject=str(job.pk))
    wake(str(job.pk))


def sweep(*, now: int) -> list[str]:
    """Jobs to wake a worker for again; gives up those that killed three, and forgets pictures kept too long."""
    late = Q(state=Job.State.RUNNING, lease_until__lt=now)
    for job in Job.objects.filter(late, attempts__gte=MAX_ATTEMPTS):
        _end(job, moves.GIVE_UP, now=now, only=Q(turn=job.turn, lease_until__lt=now), reason=Reason.INTERNAL.value)
    old = Job.objects.filter(WITH_PICTURES, created_at__lt=now - RETENTION)
    for job in old.filter(Q(state__in=(Job.State.QUEUED, Job.State.REVIEW)) | late):
        _end(job, moves.EXPIRE, now=now, only=~Q(state=Job.State.RUNNING) | late, hint="expired")
    Capture.objects.filter(job__created_at__lt=now - RETENTION).delete()
    Job.objects.filter(state=Job.State.AWAITING, created_at__lt=now - ABANDONED).delete()
    waiting = Job.objects.filter(Q(state=Job.State.QUEUED) | late).order_by("created_at")
    return [str(pk) for pk in waiting.values_list("pk", flat=True)[:100]]


def forget(*, job_id: object) -> None:
    """Delete the job's pictures."""
    Capture.objects.filter(job_id=job_id).delete()


def record(job: Job, move: Move, *, actor: str, data: Mapping[str, Any] | None = None) -> None:
    """The audit event of a move, in the caller's transaction."""
    known = {"document": str(job.document_id), **(data or {})}
    events.record(kind=f"face_job.{move.after.value}", actor=actor, subject=str(job.pk), data=known)


@transaction.atomic
def _end(job: Job, move: Move, *, now: int, only: Q, **changes: Any) -> None:
    """What the clock ends, unless it has moved meanwhile."""
    if moves.make(move, job_id=job.pk, now=now, only=only, **changes):
        record(job, move, actor="worker", data={"reason": changes.get("reason", job.reason)})
