"""Forgetting what can be forgotten."""

from idp import clock
from idp.celery import app
from idp.oidc import grants, pushing, replay


@app.task
def purge() -> None:
    """Delete spent identifiers, pushed requests and codes that are past their time."""
    now = clock.now()
    replay.purge(now=now)
    pushing.purge(now=now)
    grants.purge(now=now)
