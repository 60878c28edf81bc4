"""Face work in the background. A message is a hint; `Job` is the truth, so a task may run twice without harm."""

import logging

from idp import clock
from idp.biometrics import enrolment, jobs
from idp.celery import app

log = logging.getLogger(__name__)


@app.task(name="biometrics.compare")
def compare(job_id: str) -> None:
    """Carry out one job, unless another worker has it."""
    job = jobs.claim(job_id=job_id, now=clock.now())
    if job is None:
        return
    try:
        enrolment.run(job=job, now=clock.now())
    except Exception:  # ours: the lease runs out and the sweep tries again
        log.exception("face job %s", job_id)


@app.task(name="biometrics.sweep")
def sweep() -> None:
    """Wake workers for jobs whose message or worker was lost; delete pictures that are kept too long."""
    for job_id in jobs.sweep(now=clock.now()):
        compare.delay(job_id)
