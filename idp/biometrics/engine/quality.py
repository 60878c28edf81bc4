"""Measures of a face picture's quality, 0 (useless) to 100, named after ISO/IEC 29794-5.

They are few and simple, in the standard's manner but not certified against its reference values. The minimums are
*policy values*: the embedded ones let upscaled photographs of low resolution pass, so that the engine can be tried with
what comes with its packages; an authority raises them for its own cameras.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from idp.biometrics.engine.detection import Face
from idp.biometrics.engine.pictures import RGB
from idp.protocol.refusals import Reason, Refusal

FULL_INTER_EYE_PX: Final = 120.0  # BSI TR-03121-3 Vol. 1: 120 px between the eyes
FULL_SHARPNESS: Final = 120.0  # variance of the Laplacian on a smoothed 150 px chip of a sharp photograph
DARK, BRIGHT = 25, 247  # ISO/IEC 29794-5: proportions of luminance in [0, 25] and [247, 255]
FACE_MARGIN: Final = 30  # pixels of a chip's rim that show hair and background

ADVICE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "SingleFacePresent": "one_person_only",
        "InterEyeDistance": "come_closer",
        "HeadPoseYaw": "look_at_the_camera",
        "HeadPoseRoll": "look_at_the_camera",
        "UnderExposurePrevention": "too_dark",
        "OverExposurePrevention": "too_bright",
        "Sharpness": "hold_still",
    }
)
"""What to tell the traveller when a measure is too low; the first in this order counts."""

DEFAULT_MINIMUMS: Final[Mapping[str, float]] = MappingProxyType(
    {
        "SingleFacePresent": 30.0,  # the face takes a third of all areas of faces
        "InterEyeDistance": 70.0,  # 84 px
        "HeadPoseYaw": 55.0,  # 42 degrees by a coarse estimate
        "HeadPoseRoll": 88.0,  # 20 degrees
        "UnderExposurePrevention": 40.0,
        "OverExposurePrevention": 60.0,
        "Sharpness": 5.0,
    }
)


@dataclass(frozen=True)
class Quality:
    """``measures``: name of ISO/IEC 29794-5 to value 0..100; ``inter_eye_px`` in pixels of the picture."""

    measures: Mapping[str, float]
    inter_eye_px: float

    @property
    def score(self) -> float:
        """The lowest measure, 0..100: a picture is as good as its worst property."""
        return min(self.measures.values())

    def lacking(self, minimums: Mapping[str, float]) -> str | None:
        """The name of the first measure below its minimum, in the order of `ADVICE`, or None."""
        for name in ADVICE:
            if self.measures[name] < minimums.get(name, 0.0):
                return name
        return None

    def require(self, minimums: Mapping[str, float]) -> None:
        """Raise `Refusal` face_low_quality, its detail the helpful key of `ADVICE`, when a measure is too low."""
        name = self.lacking(minimums)
        if name is not None:
            raise Refusal(Reason.FACE_LOW_QUALITY, ADVICE[name])


def measure(face: Face, chip: RGB, others: list[Face]) -> Quality:
    """Measure ``face``, its RGB uint8 chip (150, 150, 3), and how far it outweighs the ``others`` in the picture."""
    grey = cv2.cvtColor(chip, cv2.COLOR_RGB2GRAY)[FACE_MARGIN:-FACE_MARGIN, FACE_MARGIN:-FACE_MARGIN]
    whole = face.box.area + sum(other.box.area for other in others)
    measures = {
        "SingleFacePresent": 100.0 * face.box.area / whole,
        "InterEyeDistance": _ramp(face.inter_eye_px, FULL_INTER_EYE_PX),
        "HeadPoseYaw": _pose(face.yaw),
        "HeadPoseRoll": _pose(face.roll),
        "UnderExposurePrevention": 100.0 * float(np.mean(grey > DARK)),
        "OverExposurePrevention": 100.0 * float(np.mean(grey < BRIGHT)),
        "Sharpness": _ramp(sharpness(grey), FULL_SHARPNESS),
    }
    return Quality(measures=MappingProxyType(measures), inter_eye_px=face.inter_eye_px)


def sharpness(grey: NDArray[np.generic]) -> float:
    """Variance of the Laplacian of a lightly smoothed grey chip: noise counts little, edges much."""
    smooth = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 1.0)
    return float(cv2.Laplacian(smooth, cv2.CV_32F).var())


def _ramp(value: float, full: float) -> float:
    return 100.0 * min(1.0, max(0.0, value / full))


def _pose(degrees: float) -> float:
    """ISO/IEC 29794-5: the squared cosine, nothing beyond a right angle."""
    return 100.0 * max(0.0, float(np.cos(np.radians(degrees)))) ** 2
