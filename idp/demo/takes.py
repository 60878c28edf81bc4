"""Takes that obey a challenge, made of the photographs: *simulated*, for there is nobody here who could turn the head.

A head is taken for an ellipsoid with a nose before it, and the photograph for its skin; turned by some degrees, what is
nearer moves farther. That is good enough for landmarks, and shows what the challenge cannot find out: a program that
has one photograph of somebody and does the same.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from idp.demo import photographs
from idp.demo.photographs import BGR, CAPTURE, CAPTURE_EYES, Pose

FRONTAL: Final = (0, 2, 3, 5)  # people of the photograph who look at the camera; the others look aside already
DEGREES: Final = {"turn_left": 34.0, "turn_right": -34.0}  # their left is at the picture's right: it is not mirrored
CLOSER: Final = 1.4
PROGRESS: Final = (0.0, 0.3, 0.55, 0.8, 1.0, 1.0)  # of the movement, in the frames of a take
HALF_WIDTH, HALF_HEIGHT, HALF_DEPTH = 1.6, 2.2, 1.3  # of the head, in distances between the eyes
MIDDLE: Final = 0.35  # of the head, below the eyes
NOSE, NOSE_WIDTH, NOSE_HEIGHT, NOSE_BELOW = 0.5, 0.28, 0.35, 0.5
COARSE: Final = 8  # pixels between the points at which the turn is calculated
STEPS: Final = 12  # until it is found which point of the head is seen

Grid = NDArray[np.float32]


def takes(person: int, seed: int, challenge: Sequence[str]) -> list[list[bytes]]:
    """Three JPEGs of 1280x720 of ``person`` looking straight, then six for each instruction.

    The same arguments give the same bytes.
    """
    if person not in FRONTAL:
        raise ValueError(f"person {person} looks aside in the photograph")
    random = np.random.default_rng([seed, person])
    pose = photographs.first_pose(random)
    taken: list[list[bytes]] = []
    for instruction, progress in [("", (0.0,) * 3), *((one, PROGRESS) for one in challenge)]:
        frames = []
        for part in progress:
            frame = _frame(person, pose, instruction, part, random)
            frames.append(photographs.jpeg(frame, int(random.integers(85, 95))))
            pose = replace(photographs.next_pose(pose, random), size=pose.size)
        taken.append(frames)
    return taken


def _frame(person: int, pose: Pose, instruction: str, part: float, random: np.random.Generator) -> BGR:
    """What the camera sees when ``part`` (0 to 1) of the movement is done."""
    size = pose.size * (1 + (CLOSER - 1) * part if instruction == "come_closer" else 1)
    pose = replace(pose, size=size)
    frame = photographs.render(person, CAPTURE, CAPTURE_EYES, pose)
    degrees = DEGREES.get(instruction, 0.0) * part
    centre = (CAPTURE[0] / 2 + pose.x, CAPTURE[1] * 0.45 + pose.y)
    return photographs.noisy(turned(frame, centre, CAPTURE_EYES * size, degrees) if degrees else frame, random)


def turned(picture: BGR, centre: tuple[float, float], eyes: float, degrees: float) -> BGR:
    """The head whose eyes have ``centre`` between them and are ``eyes`` pixels apart, turned to the picture's right."""
    rows, columns = picture.shape[:2]
    y, x = np.mgrid[0 : rows + COARSE : COARSE, 0 : columns + COARSE : COARSE].astype(np.float32)
    seen, down = (x - centre[0]) / eyes, (y - centre[1]) / eyes
    angle = math.radians(degrees)
    across = seen.copy()
    for _ in range(STEPS):  # x of the skin that is seen at ``seen``: x cos + z(x) sin = seen
        lifted = (_depth(across, down) - HALF_DEPTH) * math.sin(angle)
        across = (across + (seen - lifted) / math.cos(angle)) / 2
    fine = cv2.resize((across - seen) * eyes, None, fx=COARSE, fy=COARSE, interpolation=cv2.INTER_LINEAR)
    half = COARSE // 2  # a resized pixel lies in the middle of its eight
    shift = np.roll(np.asarray(fine, dtype=np.float32), (-half, -half), (0, 1))[:rows, :columns]
    ys, xs = np.mgrid[0:rows, 0:columns].astype(np.float32)
    moved = cv2.remap(picture, xs + shift, ys, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, dtype=np.uint8)


def _depth(across: Grid, down: Grid) -> Grid:
    """How far before the head's middle the skin lies, in distances between the eyes."""
    inside = np.clip(1 - (across / HALF_WIDTH) ** 2 - ((down - MIDDLE) / HALF_HEIGHT) ** 2, 0, None)
    nose = (across / NOSE_WIDTH) ** 2 + ((down - NOSE_BELOW) / NOSE_HEIGHT) ** 2
    return np.asarray(HALF_DEPTH * np.sqrt(inside) + NOSE * np.exp(-nose / 2), dtype=np.float32)
