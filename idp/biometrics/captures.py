"""The live pictures of a job: a take looking straight, and one for each instruction of the job's challenge."""

from collections.abc import Sequence
from typing import Final

from idp.biometrics import vault
from idp.biometrics.engine import challenge
from idp.biometrics.jobs import UnableToEnrol
from idp.biometrics.models import Capture, Job

MAX_FRAME: Final = 4 * 1024 * 1024  # bytes
MAX_SESSION: Final = 32 * 1024 * 1024  # bytes; a camera's take some 5 MB
TAKE: Final = 100  # a capture's number: the take's hundreds, and its place in the take


def check(*, job: Job, takes: Sequence[Sequence[bytes]]) -> None:
    """Raises `UnableToEnrol` (invalid_request) for takes that are not those that the job asks for."""
    wanted = challenge.frames_wanted(job.challenge)
    if len(takes) != len(wanted):
        raise UnableToEnrol("invalid_request", f"{len(takes)} takes, {len(wanted)} were asked for")
    if any(not least <= len(take) <= most for take, (least, most) in zip(takes, wanted, strict=True)):
        raise UnableToEnrol(
            "invalid_request", "a take has three to six pictures straight, four to eight for a movement"
        )
    sizes = [len(frame) for take in takes for frame in take]
    if not all(0 < size <= MAX_FRAME for size in sizes) or sum(sizes) > MAX_SESSION:
        raise UnableToEnrol("invalid_request", "a picture has at most 4 MiB, all together 32 MiB")


def keep(*, job: Job, takes: Sequence[Sequence[bytes]]) -> None:
    """Seal them, in the caller's transaction."""
    Capture.objects.bulk_create(
        Capture(job=job, number=take * TAKE + place, sealed=vault.seal(frame, kind="capture", owner=job.pk))
        for take, frames in enumerate(takes)
        for place, frame in enumerate(frames)
    )


def takes(*, job: Job) -> list[list[bytes]]:
    """The pictures as they were handed in."""
    found: list[list[bytes]] = [[] for _ in challenge.frames_wanted(job.challenge)]
    for capture in Capture.objects.filter(job=job).order_by("number"):
        found[capture.number // TAKE].append(vault.unseal(capture.sealed, kind="capture", owner=job.pk))
    return found
