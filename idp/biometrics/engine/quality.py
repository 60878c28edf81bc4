"""Measures of a face picture's quality, 0 (useless) to 100, named after ISO/IEC 29794-5.

They are those that need no further model, in the standard's manner but not certified against its reference values.
The minimums are *policy values*: the embedded ones let upscaled photographs of low resolution pass, so that the engine
can be tried with what comes with its packages; an authority raises them for its own cameras.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import numpy as np

from idp.biometrics.engine import luminance
from idp.biometrics.engine.face import Face
from idp.biometrics.engine.luminance import ramp
from idp.biometrics.engine.pictures import RGB
from idp.protocol.refusals import Reason, Refusal

FULL_INTER_EYE_PX: Final = 120.0  # BSI TR-03121-3 Vol. 1: 120 px between the eyes
EYES_TO_CHIN: Final = 1.8  # inter-eye distances, an average head
LARGE_HEAD, HUGE_HEAD = 0.6, 1.0  # from the eyes to the chin, in the picture's height
EDGE_WIDTH: Final = 0.1  # inter-eye distances, of the sigmoids of the margins
SIDE, ABOVE, BELOW = 0.9, 0.9, 1.7  # inter-eye distances from between the eyes to where the face ends

ADVICE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "SingleFacePresent": "one_person_only",
        "InterEyeDistance": "come_closer",
        "HeadSize": "move_back",
        "LeftwardCropOfTheFaceImage": "move_into_the_picture",
        "RightwardCropOfTheFaceImage": "move_into_the_picture",
        "MarginAboveOfTheFaceImage": "move_into_the_picture",
        "MarginBelowOfTheFaceImage": "move_into_the_picture",
        "HeadPoseYaw": "look_at_the_camera",
        "HeadPosePitch": "look_at_the_camera",
        "HeadPoseRoll": "look_at_the_camera",
        "UnderExposurePrevention": "too_dark",
        "OverExposurePrevention": "too_bright",
        "LuminanceMean": "too_dark",  # or too_bright
        "IlluminationUniformity": "even_light",
        "LuminanceVariance": "poor_picture",
        "DynamicRange": "poor_picture",
        "CompressionArtifacts": "poor_picture",
        "Sharpness": "hold_still",
    }
)
"""What to tell the traveller when a measure is too low; the first in this order counts."""

DEFAULT_MINIMUMS: Final[Mapping[str, float]] = MappingProxyType(
    {
        "SingleFacePresent": 30.0,  # the face takes a third of all areas of faces
        "InterEyeDistance": 70.0,  # 84 px
        "HeadSize": 40.0,
        "LeftwardCropOfTheFaceImage": 50.0,
        "RightwardCropOfTheFaceImage": 50.0,
        "MarginAboveOfTheFaceImage": 50.0,
        "MarginBelowOfTheFaceImage": 50.0,
        "HeadPoseYaw": 55.0,  # 42 degrees by a coarse estimate
        "HeadPosePitch": 10.0,  # too coarse without a mouth to ask for more; raise it for an engine that finds one
        "HeadPoseRoll": 88.0,  # 20 degrees
        "UnderExposurePrevention": 40.0,
        "OverExposurePrevention": 60.0,
        "LuminanceMean": 20.0,  # between 14 and 86 % grey
        "IlluminationUniformity": 30.0,
        "LuminanceVariance": 5.0,
        "DynamicRange": 45.0,  # 3.6 bits
        "CompressionArtifacts": 30.0,
        "Sharpness": 5.0,
    }
)


@dataclass(frozen=True)
class Quality:
    """``measures``: name of ISO/IEC 29794-5 to value 0..100; ``inter_eye_px`` in pixels of the picture.

    ``bright``: whether the face is rather too bright than too dark.
    """

    measures: Mapping[str, float]
    inter_eye_px: float
    bright: bool = False

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
            bright = name == "LuminanceMean" and self.bright
            raise Refusal(Reason.FACE_LOW_QUALITY, "too_bright" if bright else ADVICE[name])


def measure(face: Face, chip: RGB, others: list[Face], picture: RGB) -> Quality:
    """Measure ``face`` in ``picture``, RGB uint8, by its chip (150, 150, 3), and how far it outweighs the ``others``.

    Poses come from five landmarks: yaw is good to some 10 degrees, pitch to some 20 (without a mouth among them it
    rests on the length of an average nose), roll to 2. HeadSize counts heads that are too large; for those that are
    too small there is InterEyeDistance.
    """
    whole = face.box.area + sum(other.box.area for other in others)
    measures = {
        "SingleFacePresent": 100.0 * face.box.area / whole,
        "InterEyeDistance": ramp(face.inter_eye_px, FULL_INTER_EYE_PX),
        "HeadPoseYaw": _pose(face.yaw),
        "HeadPosePitch": _pose(_pitch(face)),
        "HeadPoseRoll": _pose(face.roll),
        **_place(face, picture.shape[0], picture.shape[1]),
        **luminance.of_face(chip),
        "CompressionArtifacts": luminance.compression(picture, face.box),
    }
    bright = float(chip.mean()) > 255 / 2
    return Quality(measures=MappingProxyType(measures), inter_eye_px=face.inter_eye_px, bright=bright)


def _place(face: Face, rows: int, columns: int) -> dict[str, float]:
    """How far the face is from leaving the picture, and from filling it."""
    x, y = (float(value) for value in face.eyes.mean(axis=0))
    eyes = face.inter_eye_px
    head = EYES_TO_CHIN * eyes / rows
    return {
        "HeadSize": 100.0 - ramp(head - LARGE_HEAD, HUGE_HEAD - LARGE_HEAD),
        "LeftwardCropOfTheFaceImage": _margin(x / eyes - SIDE),
        "RightwardCropOfTheFaceImage": _margin((columns - x) / eyes - SIDE),
        "MarginAboveOfTheFaceImage": _margin(y / eyes - ABOVE),
        "MarginBelowOfTheFaceImage": _margin((rows - y) / eyes - BELOW),
    }


def _margin(room: float) -> float:
    """``room`` beyond the face in inter-eye distances; 50 where there is none."""
    return 100.0 / (1.0 + float(np.exp(-np.clip(room / EDGE_WIDTH, -50.0, 50.0))))


def _pitch(face: Face) -> float:
    """Degrees, positive downwards; where no mouth was found, from the nose's length, foreshortened by yaw."""
    if face.pitch is not None:
        return face.pitch
    eyes = face.eyes
    across = (eyes[1] - eyes[0]) / face.inter_eye_px
    down = np.array([-across[1], across[0]])
    below, before = face.layout.nose_at
    nose = float(np.dot(face.points[face.layout.nose] - eyes.mean(axis=0), down)) / face.inter_eye_px
    nose *= max(0.5, float(np.cos(np.radians(face.yaw))))
    return float(np.clip(np.degrees((nose - below) / before), -90.0, 90.0))


def _pose(degrees: float) -> float:
    """ISO/IEC 29794-5: the squared cosine, nothing beyond a right angle."""
    return 100.0 * max(0.0, float(np.cos(np.radians(degrees)))) ** 2
