"""What this room does by itself. Each may run twice without harm."""

from idp import clock
from idp.celery import app
from idp.federation import statements, status_lists
from idp.federation import sync as syncing


@app.task(name="idp.federation.tasks.renew")
def renew() -> None:
    """Sign again what is half worn, and let go of lists whose tokens are dead."""
    statements.renew(clock.now())
    status_lists.retire(clock.now())


@app.task(name="idp.federation.tasks.mirror")
def mirror() -> None:
    """Copy the peers' status lists. With 15 s here and 30 s at the lane a revocation arrives within a minute."""
    status_lists.mirror(clock.now())


@app.task(name="idp.federation.tasks.sync")
def sync() -> None:
    """Collect marks, look for successors of keys, find the peers' chains again."""
    syncing.sync(clock.now())
