"""Face work in the background. A message is a hint; `Job` is the truth, so a task may run twice without harm."""

import logging
from typing import Final

from idp import clock
from idp.biometrics import enrolment, handover, jobs, outdated, renewal, rewrap_orders, waking
from idp.biometrics.models import Job
from idp.celery import app
from idp.protocol.refusals import Unavailable

log = logging.getLogger(__name__)

HARD_LIMIT: Final = 50  # seconds, then the process is killed: before the lease of its job (`jobs.LEASE`) can end
RUNS: Final = {Job.Kind.LINK: enrolment.run, Job.Kind.CHILD: enrolment.run, Job.Kind.RENEW: renewal.run}


@app.task(name=waking.TASK, time_limit=HARD_LIMIT)
def compare(job_id: str) -> None:
    """Carry out one job, unless another worker has it."""
    job = jobs.claim(job_id=job_id, now=clock.now())
    if job is None:
        return
    try:
        RUNS[Job.Kind(job.kind)](job=job, now=clock.now())
    except jobs.NotOurs as error:
        log.info("%s was cancelled, or taken over", error)
    except Unavailable as error:  # the token with the key of the faces is away
        log.warning("face job %s waits: %s", job_id, error)
        jobs.postpone(job=job, now=clock.now())
    except Exception:  # ours: the lease runs out and the sweep tries again
        log.exception("face job %s", job_id)


@app.task(name="biometrics.sweep")
def sweep() -> None:
    """Wake workers for jobs whose message or worker was lost; delete pictures that are kept too long."""
    for job_id in jobs.sweep(now=clock.now()):
        try:
            waking.send(job_id)
        except Unavailable as error:  # the next sweep finds them again
            log.warning("%s", error)
            return


@app.task(name="biometrics.renew")
def renew() -> int:
    """Begin the next renewals of references that lack a model; how many."""
    return outdated.begin_due(now=clock.now())


@app.task(name="biometrics.let_go")
def let_go() -> int:
    """Drop what travellers' devices have had time to fetch; how many."""
    return handover.sweep(now=clock.now())


@app.task(name="biometrics.rewrap")
def rewrap() -> int:
    """Go on with wrapping faces' keys anew, if two officers ordered it; how many rows."""
    return rewrap_orders.carry_out(clock.now())
