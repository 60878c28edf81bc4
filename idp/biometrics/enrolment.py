"""Linking a travel document: the live face must be that of the registry's portrait, and becomes nobody's property.

A traveller names a document of the register; a burst of pictures is compared, by a worker, with the portrait that the
register holds; only then is the document linked and the portrait's template kept as the face reference. The pictures
are deleted in the transaction that links.
"""

import logging
from collections.abc import Sequence
from functools import lru_cache

from django.db import transaction

from idp.accounts import documents
from idp.biometrics import jobs, references, vault
from idp.biometrics.engine import FaceEngine, Template, load_engine
from idp.biometrics.jobs import UnableToEnrol
from idp.biometrics.models import Capture, Job, Portrait
from idp.conf import authority
from idp.protocol.refusals import Reason, Refusal

log = logging.getLogger(__name__)

MIN_FRAMES, MAX_FRAMES = 3, 6  # a burst: fewer show no motion, more cost and add nothing
MAX_FRAME = 4 * 1024 * 1024  # bytes


@lru_cache(maxsize=1)
def engine() -> FaceEngine:
    """This process's face engine, loaded on first use."""
    return load_engine(model_dir=authority().model_dir)


def submit(*, job: Job, frames: Sequence[bytes], now: int) -> None:
    """Hand in the live pictures, sealed, and wake a worker. Raises `UnableToEnrol`."""
    from idp.biometrics.tasks import compare

    def wake() -> None:
        compare.delay(str(job.pk))

    jobs.check_attempts(traveller=job.traveller, document=job.document, now=now)  # many are begun before one fails
    if not MIN_FRAMES <= len(frames) <= MAX_FRAMES or any(not 0 < len(frame) <= MAX_FRAME for frame in frames):
        raise UnableToEnrol("invalid_request", "a burst has three to six pictures of at most 4 MiB")
    with transaction.atomic():
        jobs.queue(job=job)
        Capture.objects.bulk_create(
            Capture(job=job, number=number, sealed=vault.seal(frame, kind="capture", owner=job.pk))
            for number, frame in enumerate(frames)
        )
        # robust: the job is queued whether or not the broker takes the hint; the sweep wakes a worker for it then
        transaction.on_commit(wake, robust=True)


def run(*, job: Job, now: int) -> None:
    """Compare and finish a claimed job. What comes from the pictures fails it; what is ours leaves it to be retried."""
    try:
        template, score = _compare(job)
    except Refusal as refusal:
        hint = refusal.detail[:32]
        jobs.finish(job=job, state=Job.State.FAILED, now=now, reason=refusal.reason.value, hint=hint)
        return
    thresholds = engine().thresholds
    if score < thresholds.admit:
        reason = Reason.FACE_UNCERTAIN if score >= thresholds.refer else Reason.FACE_MISMATCH
        jobs.finish(job=job, state=Job.State.FAILED, now=now, reason=reason.value, score=score)
        return
    try:
        _link(job, template, score, now=now)
    except documents.UnableToLink as error:  # linked by another meanwhile, or revoked
        log.info("face job %s: %s", job.pk, error)
        reason = Reason.DOCUMENT_NOT_ELIGIBLE
        jobs.finish(job=job, state=Job.State.FAILED, now=now, reason=reason.value, score=score)


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
    if not jobs.finish(job=job, state=Job.State.DONE, now=now, score=score):
        return  # the lease ran out and another worker finished it
    documents.link(document=job.document, traveller=job.traveller, actor=f"traveller:{job.traveller_id}")
    references.keep(traveller=job.traveller, document=job.document, template=template, now=now)
    Capture.objects.filter(job=job).delete()
