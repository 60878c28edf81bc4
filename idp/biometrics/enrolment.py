"""Linking a travel document: the live face must be that of the registry's portrait, and becomes nobody's property.

A traveller names a document of the register; a burst of pictures is compared, by a worker, with the portrait that the
register holds; only then is the document linked and the portrait's template kept as the face reference. The pictures
are deleted in the transaction that links.
"""

import logging
from collections.abc import Sequence
from functools import lru_cache

from django.db import IntegrityError, transaction
from django.db.models import F, Q

from idp.accounts import documents
from idp.accounts.models import TravelDocument, Traveller
from idp.audit import events
from idp.biometrics import references, vault
from idp.biometrics.engine import FaceEngine, Template, load_engine
from idp.biometrics.models import Capture, Job, Portrait
from idp.conf import authority
from idp.protocol.refusals import Reason, Refusal

log = logging.getLogger(__name__)

MIN_FRAMES, MAX_FRAMES = 3, 6  # a burst: fewer show no motion, more cost and add nothing
MAX_FRAME = 4 * 1024 * 1024  # bytes
LEASE = 60  # seconds; a job takes one or two
MAX_ATTEMPTS = 3  # of the workers, for what is ours
MAX_FAILURES = 5  # of a traveller, within FAILURE_WINDOW; NIST SP 800-63B §5.2.3
FAILURE_WINDOW = 3600
RETENTION = 72 * 3600  # of the pictures of a job that came to nothing, for an officer's review
ABANDONED = 24 * 3600  # of a job that got no pictures, so that none is handed in whose time is nearly over
OPEN = (Job.State.AWAITING, Job.State.QUEUED, Job.State.RUNNING)


class UnableToEnrol(Exception):
    """The job cannot be made or continued; ``code`` is the problem's."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@lru_cache(maxsize=1)
def engine() -> FaceEngine:
    """This process's face engine, loaded on first use."""
    return load_engine(model_dir=authority().model_dir)


def begin(*, traveller: Traveller, document: TravelDocument, now: int) -> Job:
    """The open job of this traveller and document, made if there is none. Raises `UnableToEnrol` (rate_limited)."""
    _check_failures(traveller=traveller, document=document, now=now)
    mine = Job.objects.filter(traveller=traveller, document=document, state__in=OPEN)
    try:
        with transaction.atomic():
            return mine.first() or Job.objects.create(traveller=traveller, document=document, created_at=now)
    except IntegrityError as error:  # biometrics_one_open_job: begun twice at once
        job = mine.first()
        if job is None:
            raise UnableToEnrol("conflict", "another job has just ended") from error
        return job


def submit(*, job: Job, frames: Sequence[bytes], now: int) -> None:
    """Hand in the live pictures, sealed, and wake a worker. Raises `UnableToEnrol`."""
    from idp.biometrics.tasks import compare

    def wake() -> None:
        compare.delay(str(job.pk))

    _check_failures(traveller=job.traveller, document=job.document, now=now)  # many jobs can be begun before one fails
    if not MIN_FRAMES <= len(frames) <= MAX_FRAMES or any(not 0 < len(frame) <= MAX_FRAME for frame in frames):
        raise UnableToEnrol("invalid_request", "a burst has three to six pictures of at most 4 MiB")
    with transaction.atomic():
        if not Job.objects.filter(pk=job.pk, state=Job.State.AWAITING).update(state=Job.State.QUEUED):
            raise UnableToEnrol("conflict", "pictures were handed in already")
        Capture.objects.bulk_create(
            Capture(job=job, number=number, sealed=vault.seal(frame, kind="capture", owner=job.pk))
            for number, frame in enumerate(frames)
        )
        # robust: the job is queued whether or not the broker takes the hint; the sweep wakes a worker for it then
        transaction.on_commit(wake, robust=True)


def claim(*, job_id: str, now: int) -> Job | None:
    """Take a job that is queued, or whose worker died; None where another has it. One conditional UPDATE decides."""
    taken = Job.objects.filter(
        Q(state=Job.State.QUEUED) | Q(state=Job.State.RUNNING, lease_until__lt=now),
        pk=job_id,
        attempts__lt=MAX_ATTEMPTS,
    ).update(state=Job.State.RUNNING, lease_until=now + LEASE, attempts=F("attempts") + 1)
    return Job.objects.select_related("traveller", "document").get(pk=job_id) if taken else None


def run(*, job: Job, now: int) -> None:
    """Compare and finish a claimed job. What comes from the pictures fails it; what is ours leaves it to be retried."""
    try:
        template, score = _compare(job)
    except Refusal as refusal:
        _finish(job, Job.State.FAILED, now=now, reason=refusal.reason.value, hint=refusal.detail[:32])
        return
    thresholds = engine().thresholds
    if score < thresholds.admit:
        reason = Reason.FACE_UNCERTAIN if score >= thresholds.refer else Reason.FACE_MISMATCH
        _finish(job, Job.State.FAILED, now=now, reason=reason.value, score=score)
        return
    try:
        _link(job, template, score, now=now)
    except documents.UnableToLink as error:  # linked by another meanwhile, or revoked
        log.info("face job %s: %s", job.pk, error)
        _finish(job, Job.State.FAILED, now=now, reason=Reason.DOCUMENT_NOT_ELIGIBLE.value, score=score)


def sweep(*, now: int) -> list[str]:
    """Jobs to wake a worker for again; gives up those that killed three, and forgets pictures kept too long."""
    stuck = Job.objects.filter(state=Job.State.RUNNING, lease_until__lt=now, attempts__gte=MAX_ATTEMPTS)
    for job in stuck:
        _finish(job, Job.State.DEAD, now=now, reason=Reason.INTERNAL.value)
    Capture.objects.filter(job__finished_at__lt=now - RETENTION).delete()
    Capture.objects.filter(job__created_at__lt=now - RETENTION).delete()
    Job.objects.filter(state=Job.State.AWAITING, created_at__lt=now - ABANDONED).delete()
    waiting = Job.objects.filter(Q(state=Job.State.QUEUED) | Q(state=Job.State.RUNNING, lease_until__lt=now))
    waiting = waiting.order_by("created_at")
    return [str(pk) for pk in waiting.values_list("pk", flat=True)[:100]]


def import_portrait(*, document: TravelDocument, picture: bytes, officer: str, now: int) -> None:
    """Take a portrait into the register; it must enrol (one face, good enough). Raises `Refusal`."""
    engine().enrol(picture)
    with transaction.atomic():
        Portrait.objects.update_or_create(
            document=document,
            defaults={"sealed": vault.seal(picture, kind="portrait", owner=document.pk), "imported_at": now},
        )
        events.record(kind="portrait.imported", actor=officer, subject=str(document.pk))


def _check_failures(*, traveller: Traveller, document: TravelDocument, now: int) -> None:
    failures = Job.objects.filter(
        Q(traveller=traveller) | Q(document=document), state=Job.State.FAILED, finished_at__gt=now - FAILURE_WINDOW
    )
    if failures.count() >= MAX_FAILURES:
        raise UnableToEnrol("rate_limited", "too many failed comparisons")


def _compare(job: Job) -> tuple[Template, float]:
    portrait = Portrait.objects.filter(document=job.document).first()
    if portrait is None:
        raise Refusal(Reason.DOCUMENT_NOT_ELIGIBLE, "no_portrait")  # no other picture would help: to the counter
    picture = vault.unseal(portrait.sealed, kind="portrait", owner=job.document_id)
    captures = Capture.objects.filter(job=job).order_by("number")
    frames = [vault.unseal(capture.sealed, kind="capture", owner=job.pk) for capture in captures]
    template = engine().enrol(picture).template
    return template, engine().compare(template, frames, require_liveness=True).score


@transaction.atomic
def _link(job: Job, template: Template, score: float, *, now: int) -> None:
    if not _finish(job, Job.State.DONE, now=now, score=score):
        return  # the lease ran out and another worker finished it
    documents.link(document=job.document, traveller=job.traveller, actor=f"traveller:{job.traveller_id}")
    references.keep(traveller=job.traveller, document=job.document, template=template, now=now)
    Capture.objects.filter(job=job).delete()


def _finish(
    job: Job, state: Job.State, *, now: int, reason: str = "", hint: str = "", score: float | None = None
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
