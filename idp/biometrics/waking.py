"""Telling a worker that a job waits. The message is a hint: where it is lost, the sweep finds the row."""

import logging

from django.db import transaction
from kombu.exceptions import OperationalError

from idp import broker
from idp.celery import app
from idp.protocol.refusals import Unavailable

log = logging.getLogger(__name__)

TASK = "biometrics.compare"


def wake(job_id: str) -> None:
    """Send the hint when the transaction has been committed. A broker that is down or hangs is logged, no more."""
    transaction.on_commit(lambda: _try(job_id), robust=True)


def send(job_id: str) -> None:
    """Send the hint now, once, over a connection of its own: one that was kept may be to a broker that has hung since.

    Raises `Unavailable` where the broker has not taken it within seconds.
    """
    hasty = broker.hasty_options(app.conf.broker_url)
    with app.connection_for_write(transport_options=hasty) as connection:
        try:
            app.send_task(
                TASK,
                (job_id,),
                connection=connection,
                retry=False,
                ignore_result=True,
                timeout=broker.PATIENCE,
                confirm_timeout=broker.PATIENCE,
            )
        except (OperationalError, OSError, *connection.connection_errors, *connection.channel_errors) as error:
            raise Unavailable(f"the broker takes no message: {error}") from error


def _try(job_id: str) -> None:
    try:
        send(job_id)
    except Unavailable as error:
        log.warning("face job %s waits for the sweep: %s", job_id, error)
