"""How often a face may fail (NIST SP 800-63B §5.2.3): five times, then after a delay that grows, fifty times in all.

Counted for the document, so that nobody guesses at it through many accounts, and for the traveller, so that nobody
tries one face on many documents. A match resets both; an officer at a counter may.
"""

from typing import Final

from django.db import transaction
from django.db.models import F, Max, Q

from idp.accounts.models import TravelDocument, Traveller
from idp.audit import events
from idp.biometrics.models import Attempts, Job
from idp.protocol.refusals import Reason

IN_A_ROW: Final = 5
FIRST_DELAY: Final = 30  # seconds; doubled with every further failure
LONGEST_DELAY: Final = 3600
ALTOGETHER: Final = 50
# No comparison failed: the register lacks something, the fault is ours, or it was not made.
NOT_COUNTED: Final = frozenset({Reason.DOCUMENT_NOT_ELIGIBLE, Reason.INTERNAL, Reason.ATTEMPTS_EXCEEDED})


def delay(failures: int) -> int:
    """Seconds before the next comparison after so many failures in a row."""
    return 0 if failures < IN_A_ROW else min(LONGEST_DELAY, FIRST_DELAY << min(failures - IN_A_ROW, 10))


def wait(*, traveller: Traveller, document: TravelDocument, now: int) -> int:
    """Seconds until another comparison may be made; 0: now. `LONGEST_DELAY` where an officer has to reset the count."""
    counts = Attempts.objects.filter(Q(document=document) | Q(traveller=traveller))
    worst = counts.aggregate(failures=Max("failures"), until=Max("not_before"))
    if (worst["failures"] or 0) >= ALTOGETHER:
        return LONGEST_DELAY
    return max(0, (worst["until"] or 0) - now)


@transaction.atomic
def failed(*, job: Job, reason: Reason, now: int) -> None:
    """Count a comparison that failed. One UPDATE each; the document's goes first, so that no two wait in a ring."""
    if not _compared(job) or reason in NOT_COUNTED:
        return
    for whose in ({"document_id": job.document_id}, {"traveller_id": job.traveller_id}):
        row, _ = Attempts.objects.get_or_create(**whose)
        Attempts.objects.filter(pk=row.pk).update(failures=F("failures") + 1)
        row.refresh_from_db()  # the row is ours until the transaction ends
        Attempts.objects.filter(pk=row.pk).update(not_before=now + delay(row.failures))
        if row.failures == ALTOGETHER:
            events.record(kind="face_attempts.exhausted", actor="worker", subject=subject(row))


def matched(*, job: Job) -> None:
    """Forget what failed before."""
    if not _compared(job):
        return
    for whose in ({"document_id": job.document_id}, {"traveller_id": job.traveller_id}):
        Attempts.objects.filter(**whose).update(failures=0, not_before=0)


@transaction.atomic
def reset(*, row: Attempts, officer: str) -> None:
    """An officer has seen the traveller at a counter: they may try again."""
    before = Attempts.objects.select_for_update().get(pk=row.pk).failures
    Attempts.objects.filter(pk=row.pk).update(failures=0, not_before=0)
    events.record(kind="face_attempts.reset", actor=officer, subject=subject(row), data={"failures": before})


def subject(row: Attempts) -> str:
    """Whose count it is, as the audit names them."""
    return f"document:{row.document_id}" if row.document_id else f"traveller:{row.traveller_id}"


def _compared(job: Job) -> bool:
    """Whether somebody came before the camera: what is renewed from a portrait says nothing of anybody's face."""
    return job.kind != Job.Kind.RENEW or bool(job.challenge)
