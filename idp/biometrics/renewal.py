"""A reference made anew from the register's portrait, by a worker: no traveller has to be there."""

from django.db import IntegrityError, transaction

from idp.accounts.models import TravelDocument
from idp.biometrics import jobs, moves, references, vault
from idp.biometrics.engine import Template
from idp.biometrics.enrolment import engine
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
                model=model,
                state=Job.State.QUEUED,
                created_at=now,
            )
    except IntegrityError:  # biometrics_one_open_job
        return
    wake(str(job.pk))


def run(*, job: Job, now: int) -> None:
    """Carry out a claimed job. Raises `jobs.NotOurs`."""
    try:
        template = _template(job)
    except Refusal as refusal:
        jobs.finish(job=job, move=moves.FAIL, now=now, reason=refusal.reason, hint=refusal.detail[:32])
        return
    with transaction.atomic():
        jobs.finish(job=job, move=moves.SUCCEED, now=now)
        references.keep(traveller=job.traveller, document=job.document, template=template, now=now)


def _template(job: Job) -> Template:
    jobs.progress(job=job, stage="portrait")
    portrait = Portrait.objects.filter(document=job.document).first()
    if portrait is None or job.document.traveller_id != job.traveller_id:
        raise Refusal(Reason.DOCUMENT_NOT_ELIGIBLE, "no_portrait" if portrait is None else "another_holder")
    return engine().enrol(vault.unseal(portrait.sealed, kind="portrait", owner=job.document_id)).template
