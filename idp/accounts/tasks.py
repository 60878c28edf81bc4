"""What the accounts do in the background. Each task may run twice without harm."""

from idp import clock
from idp.accounts import guardians
from idp.celery import app


@app.task(name="accounts.end_guardianships")
def end_guardianships() -> int:
    """End guardianships of children who have come of age."""
    return guardians.end_of_age(now=clock.now())
