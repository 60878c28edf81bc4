"""What a comparison with the register's portrait was for: the traveller's own document, or one of a child of theirs."""

from idp.accounts import documents, guardians
from idp.accounts.models import TravelDocument
from idp.biometrics.models import Job


def possible(*, job: Job, now: int) -> bool:
    """Whether the document can still be linked as the job is to link it."""
    if job.kind == Job.Kind.CHILD:
        return guardians.may_take_up(document=job.document, guardian=job.traveller, now=now)
    return documents.is_free(job.document)


def link(*, job: Job, actor: str, now: int) -> TravelDocument:
    """Link it, in the caller's transaction; the document with its holder. Raises `documents.UnableToLink`.

    A guardian's consent is as old as the job, which is begun by the form that has it.
    """
    if job.kind != Job.Kind.CHILD:
        return documents.link(document=job.document, traveller=job.traveller, actor=actor)
    return guardians.take_up(
        document=job.document, guardian=job.traveller, consented_at=job.created_at, actor=actor, now=now
    )
