"""What this room does in the background: forgetting, and telling clients of a logout."""

from idp import clock
from idp.celery import app
from idp.oidc import grants, initial_access, logout_notices, pushing, replay
from idp.oidc.trying import trials


@app.task
def purge() -> None:
    """Delete spent identifiers, pushed requests and codes that are past their time."""
    now = clock.now()
    replay.purge(now=now)
    pushing.purge(now=now)
    grants.purge(now=now)
    logout_notices.purge(now=now)
    initial_access.purge(now=now)
    trials.sweep(now=now)


@app.task
def deliver_logouts() -> int:
    """Tell clients of the sessions that have ended."""
    return logout_notices.deliver(now=clock.now())
