"""Six real faces for the demo and the tests, cut out of the group photograph that the package insightface carries.

The photograph is small (29 to 49 pixels between the eyes), so the portraits are enlarged and soft, and every "capture"
is a variant of the same photograph: genuine pairs made from them are weak evidence of a system's accuracy.
"""

import math
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

BGR = NDArray[np.uint8]
Transform = NDArray[np.float64]

SOURCE: Final = "t1"
PORTRAIT: Final = (600, 800)  # width, height
CAPTURE: Final = (1280, 720)
PORTRAIT_EYES: Final = 150.0  # pixels between the eyes
CAPTURE_EYES: Final = 130.0
WALL: Final = (150.0, 142.0, 138.0)  # a plain background, BGR
QUALITY: Final = 92  # of the JPEG


@dataclass(frozen=True)
class Eyes:
    """In the photograph: the point between the eyes and the distance between them, pixels; the head's tilt, degrees."""

    x: float
    y: float
    distance: float
    tilt: float


PEOPLE: Final = (  # from left to right
    Eyes(108.0, 319.5, 47.4, -24.9),
    Eyes(306.8, 204.0, 32.9, -33.2),
    Eyes(515.8, 327.0, 49.2, 15.3),
    Eyes(781.5, 401.0, 40.3, 7.1),
    Eyes(932.8, 118.5, 28.8, -8.0),
    Eyes(1170.8, 326.2, 43.6, -4.6),
)


@dataclass(frozen=True)
class Picture:
    """A registry portrait: the person's number (0 to 5) and a JPEG of 600x800 pixels."""

    person: int
    jpeg: bytes


@dataclass(frozen=True)
class Pose:
    """How a face stands in a picture: shift in pixels, turn in degrees, size and light as factors."""

    x: float = 0.0
    y: float = 0.0
    turn: float = 0.0
    size: float = 1.0
    light: float = 1.0


@cache
def _photograph() -> BGR:
    from insightface import data

    package: Any = data
    return np.asarray(package.get_image(SOURCE), dtype=np.uint8)


def people() -> list[Picture]:
    """Six portraits as a registry of documents would hold them: one upright face before a plain wall."""
    return [Picture(person, jpeg(portrait(person))) for person in range(len(PEOPLE))]


def portrait(person: int) -> BGR:
    """The portrait of ``person`` (0 to 5), uint8 (800, 600, 3), blue first."""
    return render(person, PORTRAIT, PORTRAIT_EYES, Pose())


def live_capture(person: int, seed: int, frames: int = 3) -> list[bytes]:
    """``frames`` JPEGs of 1280x720 of ``person`` before a gate, who moves a little from one to the next.

    The same arguments give the same bytes; another ``seed`` stands elsewhere, in other light.
    """
    random = np.random.default_rng([seed, person])
    pose = first_pose(random)
    captured = []
    for _ in range(frames):
        frame = render(person, CAPTURE, CAPTURE_EYES, pose)
        captured.append(jpeg(noisy(frame, random), int(random.integers(85, 95))))
        pose = next_pose(pose, random)
    return captured


def variant(image: BGR, seed: int) -> BGR:
    """``image`` shifted, turned (4 degrees at most), lit and compressed otherwise: a weak second take of it."""
    random = np.random.default_rng(seed)
    rows, columns = image.shape[:2]
    turn, size = random.uniform(-4, 4), random.uniform(0.92, 1.08)
    matrix = np.asarray(cv2.getRotationMatrix2D((columns / 2, rows / 2), turn, size), dtype=np.float64)
    matrix[:, 2] += random.uniform(-12, 12, size=2)
    moved = cv2.warpAffine(image, matrix, (columns, rows), borderMode=cv2.BORDER_REPLICATE)
    lit = np.clip(moved * random.uniform(0.8, 1.2), 0, 255).astype(np.uint8)
    again = cv2.imdecode(np.frombuffer(jpeg(lit, int(random.integers(60, 95))), np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(again, dtype=np.uint8)


def first_pose(random: np.random.Generator) -> Pose:
    """Somewhere before the camera."""
    x, y = random.uniform(-150, 150), random.uniform(-25, 25)
    return Pose(x, y, random.uniform(-4, 4), random.uniform(0.95, 1.1), random.uniform(0.85, 1.15))


def next_pose(pose: Pose, random: np.random.Generator) -> Pose:
    """A third of a second later: some pixels on, never quite still."""
    direction, length = random.uniform(0, 2 * math.pi), random.uniform(4, 8)
    return Pose(
        x=pose.x + length * math.cos(direction),
        y=pose.y + length * math.sin(direction),
        turn=pose.turn + random.uniform(-0.8, 0.8),
        size=pose.size * random.uniform(0.99, 1.01),
        light=pose.light * random.uniform(0.98, 1.02),
    )


def render(person: int, size: tuple[int, int], eyes: float, pose: Pose) -> BGR:
    """The head of ``person`` enlarged to ``eyes`` pixels between the eyes, the neighbours covered by the wall."""
    width, height = size
    origin = PEOPLE[person]
    scale = eyes * pose.size / origin.distance
    centre = (width / 2 + pose.x, height * 0.45 + pose.y)
    matrix = _placement(origin, scale, pose.turn, centre)
    head = cv2.warpAffine(_photograph(), matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    mask = _mask(size, centre, eyes * pose.size, pose.turn)
    mixed = head * mask + np.array(WALL) * (1.0 - mask)
    return np.clip(mixed * pose.light, 0, 255).astype(np.uint8)


def _placement(origin: Eyes, scale: float, turn: float, centre: tuple[float, float]) -> Transform:
    """The 2x3 matrix that takes the point between the eyes to ``centre``, the tilt out and ``turn`` in."""
    matrix = np.asarray(cv2.getRotationMatrix2D((origin.x, origin.y), origin.tilt - turn, scale), dtype=np.float64)
    matrix[:, 2] += np.array(centre) - (origin.x, origin.y)
    return matrix


def _mask(size: tuple[int, int], centre: tuple[float, float], eyes: float, turn: float) -> NDArray[np.float64]:
    """1 on the head, 0 on the wall, soft between; float64 (rows, columns, 1)."""
    width, height = size
    mask = np.zeros((height, width), dtype=np.float32)
    middle = (round(centre[0]), round(centre[1] + 0.35 * eyes))
    cv2.ellipse(mask, middle, (round(1.5 * eyes), round(2.1 * eyes)), turn, 0, 360, 1.0, -1)
    return cv2.GaussianBlur(mask, (0, 0), 0.1 * eyes).astype(np.float64)[:, :, None]


def noisy(frame: BGR, random: np.random.Generator) -> BGR:
    """With a sensor's noise, two grey levels."""
    return np.clip(frame + random.normal(0.0, 2.0, size=frame.shape), 0, 255).astype(np.uint8)


def jpeg(image: BGR, quality: int = QUALITY) -> bytes:
    """The file."""
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise RuntimeError("a picture could not be compressed")
    return bytes(data.tobytes())
