"""Passive liveness from a burst: is this a moving take of one face, or one picture shown again and again?

What it guards against: a frozen camera, and one still injected as every frame, also when it is compressed anew or
made brighter or darker for each. What it does *not* guard against: a video, a mask, a still that a program shifts and
turns, or a print or screen held by a hand, which moves as a face does. It is no presentation attack detection in the
sense of ISO/IEC 30107-3; a lane that nobody watches needs a tested one. The minimum score is a policy value.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from idp.biometrics.engine.detection import Box, Face
from idp.biometrics.engine.pictures import RGB

MIN_FRAMES: Final = 3
MINIMUM: Final = 0.5  # policy value
MOTION_NOISE, MOTION_ALIVE = 0.008, 0.030  # mean displacement of the landmarks, in inter-eye distances
CHANGE_NOISE, CHANGE_ALIVE = 0.014, 0.060  # mean change of the smoothed grey face, in its standard deviations
PATCH_SIDE: Final = 64  # the face is compared at this size, in pixels: compression noise averages out

Patch = NDArray[np.float32]


@dataclass(frozen=True)
class Sight:
    """One frame of a burst: the RGB uint8 picture (rows, columns, 3) and the face seen in it."""

    picture: RGB
    face: Face


def burst_score(sights: Sequence[Sight]) -> float:
    """Score in [0, 1] for at least three frames: how clearly the face moved, the weaker of two signs.

    Signs: the largest displacement of the landmarks between any two frames, and the smallest change of the face's
    pixels between neighbours, brightness and contrast taken out. Fewer than three frames score 0.
    """
    if len(sights) < MIN_FRAMES:
        return 0.0
    moved = max(_displacement(one.face, other.face) for one, other in combinations(sights, 2))
    place = sights[0].face.box
    patches = [patch(sight.picture, place) for sight in sights]
    changed = min(float(np.abs(one - other).mean()) for one, other in pairwise(patches))
    return min(ramp(moved, MOTION_NOISE, MOTION_ALIVE), ramp(changed, CHANGE_NOISE, CHANGE_ALIVE))


def _displacement(one: Face, other: Face) -> float:
    distances = np.linalg.norm(one.points - other.points, axis=1)
    return float(distances.mean()) / one.inter_eye_px


def patch(picture: RGB, place: Box) -> Patch:
    """The same place of each frame, small, grey, with mean 0 and standard deviation 1."""
    rows, columns = picture.shape[:2]
    top, bottom = max(0, place.top), min(rows, place.bottom)
    left, right = max(0, place.left), min(columns, place.right)
    if bottom - top < 2 or right - left < 2:
        return np.zeros((PATCH_SIDE, PATCH_SIDE), dtype=np.float32)
    grey = cv2.cvtColor(np.ascontiguousarray(picture[top:bottom, left:right]), cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (PATCH_SIDE, PATCH_SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    spread = float(small.std())
    return np.asarray((small - small.mean()) / spread if spread > 1.0 else small * 0, dtype=np.float32)


def ramp(value: float, noise: float, alive: float) -> float:
    """0 up to ``noise``, 1 from ``alive``."""
    return min(1.0, max(0.0, (value - noise) / (alive - noise)))
