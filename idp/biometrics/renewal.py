"""A reference made anew, under a model that is wanted, beside those that there are.

From the register's portrait no traveller has to be there. Where the portrait is gone or will not do, the traveller
comes before the camera: the face must be that of a reference under another model, and that picture is enrolled. An
alarm, and what is uncertain while there is a portrait to look at, waits for an officer (`reviews`).
"""

from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction

from idp.accounts.models import TravelDocument, Traveller
from idp.biometrics import captures, engines, enrolment, jobs, moves, references, thresholds, vault
from idp.biometrics.engine import FaceEngine, FaceResult, PresentationAttack, Template, challenge
from idp.biometrics.models import Job, Portrait
from idp.biometrics.waking import wake
from idp.protocol.refusals import Reason, Refusal


def begin(*, document: TravelDocument, now: int, model: str = "") -> None:
    """Queue the work for the document's holder, unless it is queued; in the caller's transaction if there is one."""
    try:
        with transaction.atomic():
            job = Job.objects.create(
                kind=Job.Kind.RENEW,
                traveller_id=document.traveller_id,
                document=document,
                model=model or next(iter(engines.models()), ""),
                state=Job.State.QUEUED,
                created_at=now,
            )
    except IntegrityError:  # biometrics_one_open_job
        return
    wake(str(job.pk))


def ask(*, traveller: Traveller, document: TravelDocument, model: str, now: int) -> Job:
    """The open renewal of this traveller's document, which waits for pictures. Raises `jobs.UnableToEnrol`."""
    return jobs.begin(traveller=traveller, document=document, kind=Job.Kind.RENEW, model=model, now=now)


class _Doubt(Exception):
    """An officer has to look; ``found`` are fields of the job."""

    def __init__(self, reason: Reason, **found: Any) -> None:
        super().__init__(reason.value)
        self.reason, self.found = reason, found


def run(*, job: Job, now: int) -> None:
    """Carry out a claimed job. Raises `jobs.NotOurs`."""
    try:
        if job.document.traveller_id != job.traveller_id:
            raise Refusal(Reason.DOCUMENT_NOT_ELIGIBLE, "another_holder")  # noqa: TRY301
        template = _from_traveller(job) if job.challenge else _from_portrait(job)
    except Refusal as refusal:
        jobs.finish(job=job, move=moves.FAIL, now=now, reason=refusal.reason, hint=refusal.detail[:32])
        return
    except _Doubt as doubt:
        jobs.finish(job=job, move=moves.REFER, now=now, reason=doubt.reason, **doubt.found)
        return
    with transaction.atomic():
        jobs.finish(job=job, move=moves.SUCCEED, now=now)
        references.keep(traveller=job.traveller, document=job.document, template=template, now=now)


def _from_portrait(job: Job) -> Template:
    jobs.progress(job=job, stage="portrait")
    portrait = Portrait.objects.filter(document=job.document).first()
    if portrait is None:
        raise Refusal(Reason.DOCUMENT_NOT_ELIGIBLE, "no_portrait")
    picture = vault.unseal(portrait.sealed, kind="portrait", owner=job.document_id)
    return _engine(job.model).enrol(picture).template


def _from_traveller(job: Job) -> Template:
    known = _known(job)
    knows, engine = _engine(known.model), _engine(job.model)
    takes = captures.takes(job=job)
    if not all(takes):
        raise Refusal(Reason.MALFORMED, "no_pictures")  # they were kept too long
    frames = [*takes[0], *(take[0] for take in takes[1:])]  # those that look straight
    limits = thresholds.for_enrolment(knows)
    if job.decided_by:  # an officer has seen them; another face is another face all the same
        jobs.progress(job=job, stage="comparison")
        compared = knows.compare(known, frames, require_liveness=False)
        return _enrolled(engine, frames, compared, at_least=limits.refer)
    jobs.progress(job=job, stage="liveness")
    outcome = challenge.watch(knows, job.challenge, takes)
    if outcome.alarm:
        score = enrolment.shown_score(knows, known, takes[0])
        raise _Doubt(
            Reason.FACE_NOT_LIVE, hint=outcome.alarm, score=score, score_model=known.model, liveness=outcome.score
        )
    outcome.require()
    jobs.progress(job=job, stage="comparison")
    try:
        compared = knows.compare(known, frames, require_liveness=True)
    except PresentationAttack as attack:
        score = enrolment.shown_score(knows, known, frames)
        found = {"score": score, "score_model": known.model, "liveness": attack.score}
        raise _Doubt(Reason.FACE_NOT_LIVE, hint=enrolment.PASSIVE, **found) from attack
    if limits.refer <= compared.score < limits.admit and Portrait.objects.filter(document=job.document).exists():
        found = {"score": compared.score, "score_model": known.model, "liveness": compared.liveness}
        raise _Doubt(Reason.FACE_UNCERTAIN, **found)
    return _enrolled(engine, frames, compared, at_least=limits.admit, uncertain=limits.refer)


def _enrolled(
    engine: FaceEngine, frames: Sequence[bytes], compared: FaceResult, *, at_least: float, uncertain: float = 1.0
) -> Template:
    """Of the picture that was compared, and of no other: only that one is known to show the traveller."""
    if compared.score < at_least:
        raise Refusal(Reason.FACE_UNCERTAIN if compared.score >= uncertain else Reason.FACE_MISMATCH)
    return engine.enrol(frames[compared.frame]).template


def _known(job: Job) -> Template:
    """The reference that vouches for the traveller: one that the node keeps, under a model that it can compare."""
    models = [model for model in engines.models() if model != job.model]
    known = references.template_for(job.document, models)
    if known is None:
        raise Refusal(Reason.DOCUMENT_NOT_ELIGIBLE, "no_reference")
    return known


def _engine(model: str) -> FaceEngine:
    engine = engines.by_model(model) if model else engines.preferred()
    if engine is None:
        raise Refusal(Reason.FACE_MODEL_UNSUPPORTED, "no_engine")
    return engine
