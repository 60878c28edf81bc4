"""What time does to proposals and reviews."""

import logging

from idp import clock
from idp.celery import app
from idp.proposals import proposing, reviews

log = logging.getLogger(__name__)


@app.task(name="proposals.expire")
def expire() -> int:
    """Close the proposals that nobody decided in time."""
    return proposing.expire(now=clock.now())


@app.task(name="proposals.overdue_reviews")
def overdue_reviews() -> int:
    """An alarm in the log while an officer's act has waited for a review for longer than a day."""
    late = reviews.overdue(clock.now()).count()
    if late:
        log.critical("acts of one officer without another's review: %d older than a day", late)
    return late
