"""Hand each poison to a live worker as a job of its own, and see what it ends in and what the worker's memory was.

``python -m tests.faults.poison`` prints JSON: ``found`` (state, reason and hint of each), ``engine`` and ``peak`` (the
worker's memory before and after, bytes).
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any, Final

from tests.faults import brokers
from tests.faults.run import environment

PATIENCE: Final = 240  # seconds for all of them


def poisoned() -> dict[str, Any]:
    """In this process, which becomes one of a node."""
    with tempfile.TemporaryDirectory(prefix="causeway-poison-") as place:
        folder = Path(place)
        os.environ.update(environment(folder, "filesystem://"))
        broker = brokers.Filesystem(folder)
        broker.start()
        return _played(folder)


def _played(folder: Path) -> dict[str, Any]:
    from tests.faults import mayhem
    from tests.faults.crew import Crew
    from tests.faults.poisons import POISONS

    mayhem.call_command("migrate", verbosity=0)
    portrait, frames = mayhem.pictures()
    crew = Crew(folder, size=1, random=Random(1))
    try:
        honest = mayhem.begun(0, portrait)
        _ended({"honest": _handed_in(honest, frames)})
        before = crew.peak_rss()
        jobs = {}
        for number, (name, (_, make)) in enumerate(POISONS.items(), 1):
            jobs[name] = _handed_in(mayhem.begun(number, portrait), [make()] * 3)
        large = mayhem.begun(len(POISONS) + 1, _portrait())
        jobs["six of twelve megapixels"] = _handed_in(large, _burst())
        return {"found": _ended(jobs), "engine": before, "peak": crew.peak_rss()}
    finally:
        crew.stop()


def _portrait() -> bytes:
    from tests.faults.poisons import of_megapixels

    return of_megapixels(24, quality=80)


def _burst() -> list[bytes]:
    """As a phone takes it: the same face, moving."""
    from tests.faults.poisons import of_megapixels

    return [of_megapixels(12, quality=quality) for quality in range(70, 76)]


def _handed_in(job: Any, frames: list[bytes]) -> str:
    from idp import clock
    from idp.biometrics import enrolment

    enrolment.submit(job=job, takes=[frames], now=clock.now())
    return str(job.pk)


def _ended(jobs: dict[str, str]) -> dict[str, list[str]]:
    from idp.biometrics.models import Job

    for _ in range(PATIENCE * 10):
        if not Job.objects.filter(pk__in=jobs.values(), finished_at=None).exists():
            break
        time.sleep(0.1)
    rows = {str(row.pk): [row.state, row.reason, row.hint] for row in Job.objects.filter(pk__in=jobs.values())}
    return {name: rows[pk] for name, pk in jobs.items()}


if __name__ == "__main__":
    print(json.dumps(poisoned()))  # noqa: T201
    sys.exit(0)
