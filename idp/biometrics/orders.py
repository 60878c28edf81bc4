"""Which movements a job asks for: an order of chance, which nobody can draw again by beginning anew."""

import secrets
from typing import Final

from idp.accounts.models import TravelDocument
from idp.biometrics.engine import challenge
from idp.biometrics.models import Job

UNJUDGED: Final = (Job.State.AWAITING, Job.State.QUEUED, Job.State.RUNNING, Job.State.CANCELLED, Job.State.DEAD)


def draw(*, document: TravelDocument) -> list[str]:
    """The order of the document's last job until a worker has judged that one, and then another draw.

    Else somebody with a recording would cancel and begin, or begin in many accounts, until its order comes. To be
    judged costs an attempt (`attempts`), or ends at an officer's. In the caller's transaction, which makes the job: the
    document's row is locked, so that of two who begin at once the second sees the first one's order.
    """
    TravelDocument.objects.select_for_update().get(pk=document.pk)
    last = Job.objects.filter(document=document).exclude(challenge=[]).order_by("-created_at").first()
    if last is not None and last.state in UNJUDGED:
        return list(last.challenge)
    return challenge.issue(secrets.token_bytes(16))
