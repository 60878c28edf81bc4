"""How often a face may fail before a traveller, or a document, has to wait (NIST SP 800-63B §5.2.3)."""

from django.db.models import Q

from idp.accounts.models import TravelDocument, Traveller
from idp.biometrics.models import Job

MAX_FAILURES = 5  # of a traveller, within FAILURE_WINDOW
FAILURE_WINDOW = 3600


def exhausted(*, traveller: Traveller, document: TravelDocument, now: int) -> bool:
    """Whether another comparison has to wait."""
    failures = Job.objects.filter(
        Q(traveller=traveller) | Q(document=document), state=Job.State.FAILED, finished_at__gt=now - FAILURE_WINDOW
    )
    return failures.count() >= MAX_FAILURES
