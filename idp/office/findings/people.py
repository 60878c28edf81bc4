"""Officers: whether there are two for every decision, and whether they look at what was done alone."""

from collections.abc import Iterator

from django.db.models import Q

from idp.accounts import granting
from idp.office.findings.finding import Finding, error, warning
from idp.proposals import executors, reviews

NEEDED = 2


def deciders() -> Iterator[Finding]:
    """idp.E212: fewer than two who can log in and may decide on a kind of change, so nothing of the kind changes."""
    short = sorted({item.permission for item in executors.known().values() if _able(item.permission) < NEEDED})
    if short:
        text = f"Fewer than two officers with a way to log in may decide: {', '.join(short)}."
        yield error(
            212, text, "Hand the links out, or make officers: manage.py officer invite NAME, officer grant NAME ROLE."
        )


def _able(permission: str) -> int:
    able = granting.holders(permission).filter(is_active=True)
    return able.filter(Q(passkeys__isnull=False) | Q(totpdevice__confirmed=True)).distinct().count()


def overdue(now: int) -> Iterator[Finding]:
    """idp.W219: acts of one officer that nobody else has looked at for a day."""
    if late := reviews.overdue(now).count():
        text = f"{late} acts of one officer have waited for another's review for more than a day."
        yield warning(219, text, "An officer who did not do them: admin site, Emergency acts to be reviewed.")
