"""The sealer's clockwork."""

import logging

from idp import clock
from idp.audit import looking, sealing
from idp.celery import app

log = logging.getLogger(__name__)


@app.task(name="audit.seal")
def seal() -> None:
    """Seal what waits; an alarm in the log when something waited too long. Runs every second."""
    now = clock.now()
    late = sealing.overdue(now)
    if late:
        log.critical("audit events were left unsealed for %d seconds", late + sealing.ALARM_AFTER)
    sealing.seal(now)


@app.task(name="audit.forget_reasons")
def forget_reasons() -> None:
    """Let go of the reasons for looks whose time is over."""
    looking.forget(clock.now())
