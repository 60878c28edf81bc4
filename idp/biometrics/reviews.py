"""An officer's decision on what a machine must not decide: an uncertain face, or a sign of an attack.

The officer sees the register's portrait beside the live pictures, drawn anew from their pixels: nothing that was
hidden in a file gets into the officer's browser. Every look is recorded, and whatever is decided ends the pictures.
"""

import base64
import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from PIL import Image

from idp.accounts import documents
from idp.audit import events
from idp.biometrics import attempts, jobs, linking, moves, renewal, vault
from idp.biometrics.captures import TAKE
from idp.biometrics.engine.pictures import decode
from idp.biometrics.jobs import UnableToEnrol
from idp.biometrics.models import OVER_STATES, Capture, Job, Portrait
from idp.biometrics.moves import Move
from idp.biometrics.waking import wake
from idp.protocol.refusals import Reason, Refusal, Unavailable

SIDE: Final = 720  # pixels of the longer side: as much as a page shows
MIN_NOTE, MAX_NOTE = 3, 500  # characters


@dataclass(frozen=True)
class Faces:
    """Pictures as ``data:`` URIs, JPEG; None for one that cannot be shown. A live one with the number of its take."""

    portrait: str | None
    live: Sequence[tuple[int, str | None]]


def look(*, job: Job, officer: str) -> Faces:
    """The pictures of a job in review; the look is recorded before there is anything to see. Raises `UnableToEnrol`."""
    with transaction.atomic():
        if not Job.objects.filter(pk=job.pk, state=Job.State.REVIEW).exists():
            raise UnableToEnrol("conflict", "it is not in review")
        portrait = Portrait.objects.filter(document=job.document).first()
        captures = list(Capture.objects.filter(job=job).order_by("number"))
        events.record(kind="face_review.seen", actor=officer, subject=str(job.pk), data={"pictures": len(captures)})
    try:
        pictures = [vault.unseal(one.sealed, kind="capture", owner=job.pk) for one in captures]
        known = vault.unseal(portrait.sealed, kind="portrait", owner=job.document_id) if portrait else None
    except Unavailable as error:
        raise UnableToEnrol("temporarily_unavailable", str(error)) from error
    live = [(one.number // TAKE, _shown(picture)) for one, picture in zip(captures, pictures, strict=True)]
    return Faces(_shown(known) if known else None, live)


@transaction.atomic
def confirm(*, job: Job, officer: str, note: str, now: int) -> None:
    """It is the holder: the document is linked, or its reference renewed; a worker makes the reference.

    Raises `UnableToEnrol`: not in review any more (conflict), no note (invalid_request), not to be linked
    (document_not_eligible, conflict).
    """
    if job.kind == Job.Kind.RENEW:
        _decide(job, moves.APPROVE, officer=officer, note=note, now=now, attempts=0)
        wake(str(job.pk))
        return
    _decide(job, moves.CONFIRM, officer=officer, note=note, now=now)
    attempts.matched(job=job)
    try:
        document = linking.link(job=job, actor=officer, now=now)
    except documents.UnableToLink as error:
        raise UnableToEnrol(error.code, str(error)) from error
    renewal.begin(document=document, now=now)


@transaction.atomic
def deny(*, job: Job, officer: str, note: str, now: int) -> None:
    """It is not the holder, or no person was there; it counts as a failure. Raises `UnableToEnrol` like `confirm`."""
    _decide(job, moves.DENY, officer=officer, note=note, now=now)
    attempts.failed(job=job, reason=Reason.FACE_MISMATCH, now=now)


def _decide(job: Job, move: Move, *, officer: str, note: str, now: int, **changes: int) -> None:
    note = note.strip()
    if not MIN_NOTE <= len(note) <= MAX_NOTE:
        raise UnableToEnrol("invalid_request", "a decision needs a note")
    if not moves.make(move, job_id=job.pk, now=now, decided_by=officer, note=note, **changes):
        raise UnableToEnrol("conflict", "another officer has decided, or its time is over")
    if move.after in OVER_STATES:
        jobs.forget(job_id=job.pk)
    # The note may name somebody: the audit has what shows that it was not altered.
    data = {"reason": job.reason, "note_sha256": hashlib.sha256(note.encode()).hexdigest()}
    jobs.record(job, move, actor=officer, data=data)


def _shown(picture: bytes) -> str | None:
    try:
        image = Image.fromarray(decode(picture))
    except Refusal:
        return None
    image.thumbnail((SIDE, SIDE))
    drawn = io.BytesIO()
    image.save(drawn, "JPEG", quality=88)
    return f"data:image/jpeg;base64,{base64.b64encode(drawn.getvalue()).decode()}"
