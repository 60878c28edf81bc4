"""Linking a travel document: the live face must be that of the registry's portrait, and becomes nobody's property.

A traveller names a document of the register and does before the camera what the job asks for (`engine.challenge`); the
pictures are compared, by a worker, with the portrait that the register holds; only then is the document linked and the
portrait's template kept as the face reference. The pictures are deleted in the transaction that links. What is neither
a match nor a mismatch, and any alarm, waits for an officer (`reviews`).
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from idp.accounts import documents
from idp.biometrics import attempts, captures, jobs, linking, moves, references, thresholds, vault
from idp.biometrics.engine import FaceEngine, PresentationAttack, Template, challenge
from idp.biometrics.engines import preferred
from idp.biometrics.models import Job, Portrait
from idp.protocol.refusals import Reason, Refusal

log = logging.getLogger(__name__)

PASSIVE = "presentation_attack"  # the alarm of an engine's own network, beside those of `engine.challenge`


@dataclass(frozen=True)
class Found:
    """What a comparison found; ``alarm`` names the sign of an attack, ``hint`` what the traveller did not do.

    ``score`` is None where it came to no comparison.
    """

    template: Template
    score: float | None
    liveness: float | None
    alarm: str = ""
    hint: str = ""

    @property
    def measured(self) -> dict[str, str | float | None]:
        """As the job keeps it."""
        return {"score": self.score, "score_model": self.template.model, "liveness": self.liveness}


def engine() -> FaceEngine:
    """This process's preferred face engine, loaded on first use."""
    return preferred()


def submit(*, job: Job, takes: Sequence[Sequence[bytes]], now: int) -> None:
    """Hand in the live pictures, take by take, and wake a worker. Raises `jobs.UnableToEnrol`."""
    jobs.check_attempts(traveller=job.traveller, document=job.document, now=now)  # many are begun before one fails
    captures.check(job=job, takes=takes)
    with transaction.atomic():
        jobs.queue(job=job, now=now)
        captures.keep(job=job, takes=takes)


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
    measured = found.measured
    if found.alarm:
        _refer(job, Reason.FACE_NOT_LIVE, now=now, hint=found.alarm, **measured)
    elif found.hint or found.score is None:
        jobs.finish(job=job, move=moves.FAIL, now=now, reason=Reason.FACE_NOT_LIVE, hint=found.hint, **measured)
    elif found.score >= limits.admit:
        _link_or_fail(job, found, now=now)
    elif found.score >= limits.refer:
        _refer(job, Reason.FACE_UNCERTAIN, now=now, **measured)
    else:
        jobs.finish(job=job, move=moves.FAIL, now=now, reason=Reason.FACE_MISMATCH, **measured)


def _refer(job: Job, reason: Reason, *, now: int, **changes: object) -> None:
    """To an officer; but nobody need look at a document that can be linked no more."""
    if not linking.possible(job=job, now=now):
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
    jobs.progress(job=job, stage="liveness")
    takes = captures.takes(job=job)
    outcome = challenge.watch(engine(), job.challenge, takes) if job.challenge else challenge.Outcome(1.0)
    if outcome.alarm:
        return Found(template, shown_score(engine(), template, takes[0]), outcome.score, alarm=outcome.alarm)
    if outcome.hint:
        return Found(template, None, outcome.score, hint=outcome.hint)
    jobs.progress(job=job, stage="comparison")
    frames = [*takes[0], *(take[0] for take in takes[1:])]  # those that look straight
    try:
        compared = engine().compare(template, frames, require_liveness=True)
    except PresentationAttack as attack:
        return Found(template, shown_score(engine(), template, frames), min(outcome.score, attack.score), alarm=PASSIVE)
    return Found(template, compared.score, min(outcome.score, compared.liveness or 0.0))


def shown_score(engine: FaceEngine, template: Template, frames: Sequence[bytes]) -> float | None:
    """For the officer who looks at an alarm, where there is one."""
    try:
        return engine.compare(template, frames, require_liveness=False).score
    except Refusal:
        return None


def _link_or_fail(job: Job, found: Found, *, now: int) -> None:
    measured = found.measured
    try:
        with transaction.atomic():
            jobs.finish(job=job, move=moves.SUCCEED, now=now, **measured)
            document = linking.link(job=job, actor=f"traveller:{job.traveller_id}", now=now)
            references.keep(traveller=document.traveller, document=document, template=found.template, now=now)
    except documents.UnableToLink as error:  # linked by another meanwhile, or revoked
        log.info("face job %s: %s", job.pk, error)
        jobs.finish(job=job, move=moves.FAIL, now=now, reason=Reason.DOCUMENT_NOT_ELIGIBLE, **measured)
