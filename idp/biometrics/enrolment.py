"""Linking a travel document: the live face must be that of the registry's portrait, and becomes nobody's property.

A traveller names a document of the register; a burst of pictures is compared, by a worker, with the portrait that the
register holds; only then is the document linked and the portrait's template kept as the face reference. The pictures
are deleted in the transaction that links. What is neither a match nor a mismatch waits for an officer (`reviews`).
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from idp.accounts import documents
from idp.biometrics import attempts, jobs, moves, references, thresholds, vault
from idp.biometrics.engine import FaceEngine, Template
from idp.biometrics.engines import preferred
from idp.biometrics.jobs import UnableToEnrol
from idp.biometrics.models import Capture, Job, Portrait
from idp.protocol.refusals import Reason, Refusal

log = logging.getLogger(__name__)

MIN_FRAMES, MAX_FRAMES = 3, 6  # a burst: fewer show no motion, more cost and add nothing
MAX_FRAME = 4 * 1024 * 1024  # bytes


@dataclass(frozen=True)
class Found:
    """What a comparison found; ``alarm`` names the sign of an attack, empty where there was none."""

    template: Template
    score: float
    liveness: float | None
    alarm: str = ""


def engine() -> FaceEngine:
    """This process's preferred face engine, loaded on first use."""
    return preferred()


def submit(*, job: Job, frames: Sequence[bytes], now: int) -> None:
    """Hand in the live pictures, sealed, and wake a worker. Raises `UnableToEnrol`."""
    jobs.check_attempts(traveller=job.traveller, document=job.document, now=now)  # many are begun before one fails
    if not MIN_FRAMES <= len(frames) <= MAX_FRAMES or any(not 0 < len(frame) <= MAX_FRAME for frame in frames):
        raise UnableToEnrol("invalid_request", "a burst has three to six pictures of at most 4 MiB")
    with transaction.atomic():
        jobs.queue(job=job, now=now)
        Capture.objects.bulk_create(
            Capture(job=job, number=number, sealed=vault.seal(frame, kind="capture", owner=job.pk))
            for number, frame in enumerate(frames)
        )


def run(*, job: Job, now: int) -> None:
    """Compare and finish a claimed job. What comes from the pictures fails it; what is ours leaves it to be retried.

    Raises `jobs.NotOurs` where the job was cancelled or taken over meanwhile.
    """
    try:
        if attempts.wait(traveller=job.traveller, document=job.document, now=now):  # many were queued before one failed
            raise Refusal(Reason.ATTEMPTS_EXCEEDED)  # noqa: TRY301
        found = _compare(job)
    except Refusal as refusal:
        jobs.finish(job=job, move=moves.FAIL, now=now, reason=refusal.reason, hint=refusal.detail[:32])
        return
    _decide(job, found, now=now)


def _decide(job: Job, found: Found, *, now: int) -> None:
    """Any alarm goes to an officer, whatever the score; so does a score between the thresholds."""
    limits = thresholds.for_enrolment(engine())
    measured = {"score": found.score, "liveness": found.liveness}
    if found.alarm:
        _refer(job, Reason.FACE_NOT_LIVE, now=now, hint=found.alarm, **measured)
    elif found.score >= limits.admit:
        _link_or_fail(job, found, now=now)
    elif found.score >= limits.refer:
        _refer(job, Reason.FACE_UNCERTAIN, now=now, **measured)
    else:
        jobs.finish(job=job, move=moves.FAIL, now=now, reason=Reason.FACE_MISMATCH, **measured)


def _refer(job: Job, reason: Reason, *, now: int, **changes: object) -> None:
    """To an officer; but nobody need look at a document that can be linked no more."""
    if job.document.traveller_id is not None:
        jobs.finish(job=job, move=moves.FAIL, now=now, reason=Reason.DOCUMENT_NOT_ELIGIBLE, **changes)
    else:
        jobs.finish(job=job, move=moves.REFER, now=now, reason=reason, **changes)


def _compare(job: Job) -> Found:
    jobs.progress(job=job, stage="portrait")
    portrait = Portrait.objects.filter(document=job.document).first()
    if portrait is None:
        raise Refusal(Reason.DOCUMENT_NOT_ELIGIBLE, "no_portrait")  # no other picture would help: to the counter
    picture = vault.unseal(portrait.sealed, kind="portrait", owner=job.document_id)
    template = engine().enrol(picture).template
    jobs.progress(job=job, stage="faces")
    captures = Capture.objects.filter(job=job).order_by("number")
    frames = [vault.unseal(capture.sealed, kind="capture", owner=job.pk) for capture in captures]
    compared = engine().compare(template, frames, require_liveness=True)
    return Found(template, compared.score, compared.liveness)


def _link_or_fail(job: Job, found: Found, *, now: int) -> None:
    measured = {"score": found.score, "liveness": found.liveness}
    try:
        with transaction.atomic():
            jobs.finish(job=job, move=moves.SUCCEED, now=now, **measured)
            documents.link(document=job.document, traveller=job.traveller, actor=f"traveller:{job.traveller_id}")
            references.keep(traveller=job.traveller, document=job.document, template=found.template, now=now)
    except documents.UnableToLink as error:  # linked by another meanwhile, or revoked
        log.info("face job %s: %s", job.pk, error)
        jobs.finish(job=job, move=moves.FAIL, now=now, reason=Reason.DOCUMENT_NOT_ELIGIBLE, **measured)
