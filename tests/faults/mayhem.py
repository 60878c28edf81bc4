"""The node's side of a run: jobs are handed in while workers and broker are killed; then everything is counted."""

import datetime
import io
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Final

import django
from PIL import Image

django.setup()

from django.core.management import call_command  # noqa: E402

from idp import clock  # noqa: E402
from idp.accounts.models import Account, TravelDocument, Traveller  # noqa: E402
from idp.audit.models import AuditEvent  # noqa: E402
from idp.biometrics import enrolment, jobs, vault  # noqa: E402
from idp.biometrics.models import Capture, FaceReference, Job, Portrait  # noqa: E402
from idp.demo import photographs  # noqa: E402
from tests.faults.brokers import Broker  # noqa: E402
from tests.faults.crew import Crew  # noqa: E402

WORKERS: Final = 2
SIDE: Final = 480  # pixels: as small as the engine takes, so that a comparison takes a tenth of a second
KILL_EVERY: Final = (0, 40)  # jobs that have ended; or after so many seconds, so that some are killed as they start
KILL_AFTER: Final = 20
BREAK_EVERY: Final = (15.0, 30.0)
BROKEN_FOR: Final = (0.5, 3.0)
PATIENCE: Final = 900  # seconds for everything
STEP: Final = 0.05


def mayhem(broker: Broker, *, folder: Path, jobs: int, random: Random) -> dict[str, object]:
    """Run it and say what came of it."""
    call_command("migrate", verbosity=0)
    portrait, frames = pictures()
    waiting = [begun(number, portrait) for number in range(jobs)]
    crew = Crew(folder, size=WORKERS, random=random)
    try:
        kills, breaks, retries, seconds = _rage(broker, crew, waiting, frames, random)
        return {
            "jobs": jobs,
            "lost": jobs - Job.objects.filter(state="done").count(),
            "done_twice": _twice(),
            "pictures_left": Capture.objects.count(),
            "workers_killed": kills,
            "broker_restarts": breaks,
            "dead_and_retried": retries,
            "seconds": round(seconds),
        }
    finally:
        crew.stop()


def _rage(
    broker: Broker, crew: Crew, waiting: list[Job], frames: list[bytes], random: Random
) -> tuple[int, int, int, float]:
    kills = breaks = retries = 0
    began = time.monotonic()
    next_break, repaired = random.uniform(4, 10), None
    killed_at, ended, next_kill = 0.0, 0, random.randint(*KILL_EVERY)
    pace = max(0.02, len(waiting) and 20 / len(waiting))  # jobs come over some twenty seconds, and then wait
    next_job = 0.0
    while (at := time.monotonic() - began) < PATIENCE:
        if waiting and at >= next_job:
            enrolment.submit(job=waiting.pop(), takes=[frames], now=clock.now())
            next_job = at + pace
        over = Job.objects.exclude(finished_at=None).count()
        if over >= ended + next_kill or at >= killed_at + KILL_AFTER:
            time.sleep(random.uniform(0, 0.5))  # or each would die just after the end of a job
            crew.kill_one()
            kills, killed_at, ended, next_kill = kills + 1, at, over, random.randint(*KILL_EVERY)
        if repaired is None and at >= next_break:
            broker.kill()
            repaired = at + random.uniform(*BROKEN_FOR)
        if repaired is not None and at >= repaired:
            broker.start()
            breaks, repaired, next_break = breaks + 1, None, time.monotonic() - began + random.uniform(*BREAK_EVERY)
        retries += _retry_the_dead()
        crew.lively()
        if not waiting and kills >= 2 and breaks and over == Job.objects.count():
            break
        time.sleep(STEP)
    return kills, breaks, retries, time.monotonic() - began


def _retry_the_dead() -> int:
    """As an officer does: a job may be where three workers were killed."""
    dead = list(Job.objects.filter(state="dead"))
    for job in dead:
        jobs.retry(job=job, officer="account:0", now=clock.now())
    return len(dead)


def _twice() -> int:
    """Jobs with another number of ends than one, and documents with another number of references."""
    ends = Counter(AuditEvent.objects.filter(kind="face_job.done").values_list("subject", flat=True))
    kept = Counter(FaceReference.objects.values_list("document_id", flat=True))
    links = Counter(AuditEvent.objects.filter(kind="accounts.document_linked").values_list("subject", flat=True))
    return sum(number != 1 for count in (ends, kept, links) for number in count.values())


def begun(number: int, portrait: bytes) -> Job:
    account = Account.objects.create(username=f"t{number}")
    document = TravelDocument.objects.create(
        type="hkid", number=f"A{number:07}", name_native="陳大文", name_latin="CHAN, TAI MAN", sex="M",
        birth_date=datetime.date(1990, 1, 1), nationality="CHN", issued_by="HKG",
    )  # fmt: skip
    now = clock.now()
    sealed = vault.seal(portrait, kind="portrait", owner=document.pk)
    Portrait.objects.create(document=document, sealed=sealed, imported_at=now)
    holder = Traveller.objects.create(account=account)
    return Job.objects.create(traveller=holder, document=document, created_at=now)  # which asks for no movements


def pictures() -> tuple[bytes, list[bytes]]:
    """One person's portrait, and the middle of each frame of a burst."""
    return _small(photographs.people()[0].jpeg), [_small(frame) for frame in photographs.live_capture(0, 1)]


def _small(picture: bytes) -> bytes:
    image = Image.open(io.BytesIO(picture))
    width, height = image.size
    if width > height:
        image = image.crop(((width - height) // 2, 0, (width + height) // 2, height))
    image.thumbnail((SIDE, SIDE))
    drawn = io.BytesIO()
    image.save(drawn, "JPEG", quality=92)
    return drawn.getvalue()
