"""What time does to proposals."""

from idp import clock
from idp.celery import app
from idp.proposals import proposing


@app.task(name="proposals.expire")
def expire() -> int:
    """Close the proposals that nobody decided in time."""
    return proposing.expire(now=clock.now())
