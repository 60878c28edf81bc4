"""The office's clockwork."""

from idp import clock
from idp.celery import app
from idp.office import pulse


@app.task(name="office.pulse")
def beat() -> None:
    """Say that beat and a worker are alive."""
    pulse.beat(now=clock.now())
