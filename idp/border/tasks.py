"""What the border does in the background. Each task may run twice without harm."""

from idp import clock
from idp.border import confirmation, limits, orphans, surveying
from idp.border.entries import lapsing, unmatched
from idp.border.figures import counting, delays, issuing
from idp.border.records import partitions, retention
from idp.celery import app


@app.task(name="border.deliver_receipts")
def deliver_receipts() -> int:
    """Tell the peers of confirmed crossings, each in a task of its own: none waits for another."""
    due = confirmation.queues_due(now=clock.now())
    for queue in due:
        deliver_receipts_to.delay(queue)
    return len(due)


@app.task(name="border.deliver_receipts_to")
def deliver_receipts_to(queue: int) -> int:
    """Tell one peer of confirmed crossings."""
    return confirmation.deliver_to(queue, now=clock.now())


@app.task(name="border.lapse")
def lapse() -> int:
    """Give back the entries of endorsements that were reserved too long ago."""
    return lapsing.lapse(now=clock.now())


@app.task(name="border.match")
def match() -> int:
    """List exits without entry and entries without exit for officers."""
    return unmatched.look(now=clock.now())


@app.task(name="border.revoke_orphans")
def revoke_orphans() -> int:
    """Take back the tokens of whatever has ended: a phone, document, endorsement, consent, account, guardianship."""
    return orphans.follow(now=clock.now())


@app.task(name="border.survey")
def survey() -> int:
    """See which face models the peers' checkpoints name."""
    return surveying.survey(now=clock.now())


@app.task(name="border.prepare_months")
def prepare_months() -> None:
    """Have a table for the entries of the coming months."""
    partitions.prepare_ahead(now=clock.now())


@app.task(name="border.forget_consents")
def forget_consents() -> int:
    """Delete the counts of consents that have ended."""
    return limits.forget(now=clock.now())


@app.task(name="border.retain")
def retain() -> None:
    """Let go of what the law does not let the border keep any longer."""
    retention.retain(now=clock.now())


@app.task(name="border.count_hours")
def count_hours() -> int:
    """Count the hours of which entries came in, for the officers' figures."""
    return counting.count(now=clock.now())


@app.task(name="border.count_issuance")
def count_issuance() -> int:
    """Count the tokens of the last hours, for the officers' figures."""
    return issuing.count()


@app.task(name="border.count_delays")
def count_delays() -> int:
    """Count how long revocations took to reach the lanes, for the officers' figures."""
    return delays.count(now=clock.now())
