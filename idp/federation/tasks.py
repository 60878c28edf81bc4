"""What this room does by itself. Each may run twice without harm."""

from idp import clock
from idp.celery import app
from idp.federation import (
    callers,
    failures,
    signing,
    statements,
    status_lists,
    takeovers,
    tree_heads,
    watching,
    witnessing,
)
from idp.federation import sync as syncing
from idp.federation.models import SignedHead


@app.task(name="idp.federation.tasks.renew")
def renew() -> None:
    """Have a next key ready everywhere, sign again what is half worn, let go of dead lists and of spent keys."""
    signing.ensure_keys()
    statements.renew(clock.now())
    status_lists.retire(clock.now())
    signing.destroy_spent(clock.now())
    callers.purge(clock.now())
    failures.purge(clock.now())
    tree_heads.thin_out(SignedHead.objects.all(), clock.now())
    witnessing.thin_out(clock.now())


@app.task(name="idp.federation.tasks.mirror")
def mirror() -> None:
    """See whose configuration changed and copy the status lists.

    With 15 s here and 30 s at the lane a revocation, or the death of a key, arrives within a minute.
    """
    watching.watch(clock.now())
    status_lists.mirror(clock.now())


@app.task(name="idp.federation.tasks.sync")
def sync() -> None:
    """Collect marks, look for successors of keys, find the peers' chains again."""
    syncing.sync(clock.now())


@app.task(name="idp.federation.tasks.heads")
def heads() -> None:
    """Sign the head of our audit tree, and hold the peers to theirs. Runs every minute."""
    tree_heads.sign(clock.now())
    witnessing.witness(clock.now())


@app.task(name="idp.federation.tasks.take_over")
def take_over() -> None:
    """Let next keys sign whose planned time has come."""
    takeovers.carry_out(clock.now())
