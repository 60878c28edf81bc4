"""The sealer's clockwork."""

import logging

from idp import clock
from idp.audit import looking, sealing, verifying
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


@app.task(name="audit.verify")
def verify(pk: int) -> None:
    """Compute the record, or a range of it, again (`idp.audit.verifying`)."""
    if verifying.run(pk, now=clock.now()) and (broken := verifying.broken_lines(pk)):
        log.critical("the audit is broken: %s", "; ".join(broken))


@app.task(name="audit.verify_nightly")
def verify_nightly() -> None:
    """Begin the nightly verification where it is due, and take up what was left lying. Runs every hour."""
    now = clock.now()
    verifying.nightly(now)
    for pk in verifying.open_ones(now):
        verify.delay(pk)
