"""What the face page says of each take: short enough to be read while one moves."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from idp.biometrics.engine import challenge
from idp.biometrics.models import Job

STRAIGHT = "look_straight"
WORDS = {
    STRAIGHT: _("Look straight at the camera"),
    "turn_left": _("Slowly turn your head to the left"),
    "turn_right": _("Slowly turn your head to the right"),
    "come_closer": _("Slowly come closer"),
}


@dataclass(frozen=True)
class Take:
    """``frames``: how many pictures the page takes; ``least`` and ``most``: how many files it lets one choose."""

    number: int
    name: str
    words: str
    frames: int
    least: int
    most: int


def takes(job: Job) -> Sequence[Take]:
    """In their order: straight, then what the job asks for."""
    names = [STRAIGHT, *job.challenge]
    wanted = challenge.frames_wanted(job.challenge)
    return [
        Take(number, name, str(WORDS[name]), least if number == 0 else (least + most) // 2, least, most)
        for number, (name, (least, most)) in enumerate(zip(names, wanted, strict=True))
    ]
