"""A face engine whose pictures are text: ``person number``, or ``wall``; the template follows from the text alone."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from idp.biometrics.engine import Enrolment, FaceResult, Template, Thresholds
from idp.biometrics.engine.face import Box
from idp.biometrics.engine.profiles import PROFILES
from idp.biometrics.engine.quality import Quality
from idp.biometrics.engine.templates import quantise
from idp.protocol.refusals import Reason, Refusal

SPREAD = 0.03  # of a person's pictures around the person, for each component


class SyntheticEngine:
    """Counts in ``asked`` how many pictures it was shown."""

    model, profile = "synthetic", "q8"
    thresholds = Thresholds(admit=0.6, refer=0.5)

    def __init__(self) -> None:
        self.asked = 0

    def enrol(self, picture: bytes) -> Enrolment:
        self.asked += 1
        if picture.startswith(b"wall"):
            raise Refusal(Reason.FACE_NO_FACE, "look_at_the_camera")
        person, number = (int(word) for word in picture.split())
        own = np.random.default_rng(person).normal(0, 0.07, PROFILES[self.profile].dimensions)
        noise = np.random.default_rng([person, number + 1]).normal(0, SPREAD, own.size)
        template = quantise((own + noise).astype(np.float32), model=self.model, profile=self.profile)
        return Enrolment(template, Quality({"SingleFacePresent": 100.0}, 120.0), Box(0, 0, 1, 1))

    def compare(self, reference: Template, frames: Sequence[bytes], *, require_liveness: bool) -> FaceResult:
        raise AssertionError("an evaluation compares templates, and no frames")


def people(root: Path, count: int, pictures: int = 2, *, first: int = 0) -> Path:
    """Folders of ``count`` people with as many ``pictures`` each."""
    for person in range(first, first + count):
        (root / f"p{person:05}").mkdir(parents=True)
        for number in range(pictures):
            (root / f"p{person:05}" / f"{number}.jpg").write_text(f"{person} {number}")
    return root
