"""The node of `bench.face_job`: ``python -m bench.face_node prepare|first|whole|live|sealed``, in its environment.

A program of its own, because Django is set up once in a process. Prints JSON: name to milliseconds.
"""

import datetime
import json
import os
import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from functools import cache
from typing import Any

import cv2
import django
import numpy as np

from idp.demo import photographs, takes

ROUNDS, OPENED = 20, 400
PERSON = 0
LARGE = (3000, 4000)  # 12 megapixels, upright
WAIT = 60.0  # seconds for one job

Times = dict[str, list[float]]


def main(what: str) -> int:
    """Do it, and print what it took."""
    django.setup()
    with redirect_stdout(sys.stderr):
        found = {"prepare": _prepare, "first": _first, "whole": _whole, "live": _live, "sealed": _sealed}[what]()
    print(json.dumps(found))
    return 0


def _prepare() -> Times:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        call_command("federation", "init", stdout=nowhere)
    return {}


def _first() -> Times:
    """The worker loads its engine."""
    _job(0, _large_takes())
    return {}


def _whole() -> Times:
    return {"job_12mp": [_job(number, None) for number in range(1, ROUNDS + 1)]}


def _live() -> Times:
    live = _large_takes()
    return {"job_12mp_all": [_job(number, live) for number in range(ROUNDS + 1, 2 * ROUNDS + 1)]}


def _large_takes() -> list[bytes]:
    return [large(frame) for frame in photographs.live_capture(PERSON, 1, 3)]


def _job(number: int, live: Sequence[bytes] | None) -> float:
    """One traveller with one document; ``live`` in place of the whole challenge, if given."""
    from idp.accounts.models import Account, Traveller
    from idp.biometrics import enrolment, jobs, portraits
    from idp.biometrics.models import Job

    document = _document(number)
    portraits.import_portrait(document=document, picture=_portrait(), officer="bench", now=int(time.time()))
    traveller = Traveller.objects.create(account=Account.objects.create_user(f"t{number}", "a long and quiet word"))
    begun = time.perf_counter()
    job = jobs.begin(traveller=traveller, document=document, now=int(time.time()))
    beginning = time.perf_counter() - begun
    if live is not None:
        Job.objects.filter(pk=job.pk).update(challenge=[])
        job.refresh_from_db()
    pictures = [live] if live is not None else _takes(tuple(job.challenge))  # the traveller's time, not ours
    begun = time.perf_counter()
    enrolment.submit(job=job, takes=pictures, now=int(time.time()))
    _until_done(job)
    return 1000 * (beginning + time.perf_counter() - begun)


@cache
def _takes(order: tuple[str, ...]) -> list[list[bytes]]:
    return takes.takes(PERSON, 1, order)


@cache
def _portrait() -> bytes:
    return large(photographs.people()[PERSON].jpeg)


def _until_done(job: Any) -> None:
    until = time.monotonic() + WAIT
    while job.state in ("awaiting", "queued", "running"):
        if time.monotonic() > until:
            raise RuntimeError(f"the job is still {job.state}")
        time.sleep(0.01)
        job.refresh_from_db()
    if job.state != "done":
        raise RuntimeError(f"the job is {job.state}: {job.reason} {job.hint} {job.score}")


def _document(number: int) -> Any:
    from idp.accounts.models import TravelDocument

    return TravelDocument.objects.create(
        type="hkid",
        number=f"B{number:06}",
        name_native="陳大文",
        name_latin="CHAN, TAI MAN",
        birth_date=datetime.date(1990, 1, 1),
        sex="M",
        nationality="CHN",
        issued_by="HKG",
    )


def large(jpeg: bytes) -> bytes:
    """The picture enlarged to 12 megapixels and some noise, so that it is no easier to decode than a camera's."""
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    rows, columns = picture.shape[:2]
    size = LARGE if rows > columns else LARGE[::-1]
    grown = cv2.resize(picture, size, interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng(1).normal(0, 6, grown.shape)
    noisy = np.clip(grown + noise, 0, 255).astype(np.uint8)
    return bytes(cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes())


def _sealed() -> Times:
    """A template opened and compared: as it lies in the database, and as a lane gets it in a border token."""
    from idp.biometrics import vault
    from idp.biometrics.engine import load_engine
    from idp.biometrics.engine.templates import Template, compare
    from idp.protocol import keys, sealing

    engine, owner = load_engine(), "0"
    kept = engine.enrol(photographs.people()[PERSON].jpeg).template
    probe = engine.embed(engine.look(photographs.live_capture(PERSON, 1, 1)[0]))
    at_rest = [vault.seal(kept.data, kind="template", owner=owner, model=kept.model) for _ in range(OPENED)]
    lane = keys.generate()
    carried = [sealing.seal_cose(kept.data, recipient=lane.public, external_aad=b"place") for _ in range(OPENED)]

    def opened(number: int) -> None:
        data = vault.unseal(at_rest[number], kind="template", owner=owner, model=kept.model)
        compare(Template(kept.model, kept.profile, data), probe, model=engine.model)

    def presented(number: int) -> None:
        data = sealing.open_cose(carried[number], keys=[lane], external_aad=b"place")
        compare(Template(kept.model, kept.profile, data), probe, model=engine.model)

    from bench.timing import timed

    return {"sealed_at_rest": timed(opened, OPENED), "sealed_in_token": timed(presented, OPENED)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
