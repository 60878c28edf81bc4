"""Telling a worker that a job waits. The message is a hint: where it is lost, the sweep finds the row."""

from django.db import transaction

from idp.celery import app

TASK = "biometrics.compare"
PATIENCE = 2  # seconds for the broker to take a message; the traveller's request waits meanwhile


def wake(job_id: str) -> None:
    """Send the hint when the transaction has been committed. A broker that is down or hangs is logged, no more."""
    transaction.on_commit(lambda: send(job_id), robust=True)


def send(job_id: str) -> None:
    """Send the hint now, once. Raises `kombu.exceptions.OperationalError` where the broker does not take it."""
    app.send_task(TASK, (job_id,), retry=False, ignore_result=True, timeout=PATIENCE, confirm_timeout=PATIENCE)
