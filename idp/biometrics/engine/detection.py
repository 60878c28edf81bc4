"""Finds faces with dlib's HOG detector and places five landmarks (dlib-bin, Boost licence; 5-point predictor, CC0).

The detector looks at a reduced grey frame, landmarks and chip are taken at full resolution: on a 720p kiosk frame with
90 px or more between the eyes, a third of the frame finds the same faces as the whole, in an eighth of the time.
"""

import math
import threading
from dataclasses import dataclass
from typing import Any, Final

import cv2
import dlib
import numpy as np
from numpy.typing import NDArray

from idp.biometrics.engine.dlib_weights import landmarks_file
from idp.biometrics.engine.pictures import RGB
from idp.protocol.refusals import Reason, Refusal

GATE_SIDE: Final = 427  # longer side looked at: a third of 1280x720
ENROLMENT_SIDE: Final = 1280  # slower, and finds people in the background
CHIP_SIDE: Final = 150
CHIP_PADDING: Final = 0.25
DOMINANT: Final = 3.0  # at a gate, the nearest face must have three times the area of the next
NOSE_PROTRUSION: Final = 0.5  # of the nose base before the plane of the eyes, in inter-eye distances; an average head

DLIB: Final[Any] = dlib  # untyped

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels of the full picture; it may leave the picture a little."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def area(self) -> int:
        """In square pixels."""
        return (self.right - self.left) * (self.bottom - self.top)


@dataclass(frozen=True)
class Face:
    """A face: ``points`` float64 (5, 2), x and y in pixels of the full picture, in dlib's order.

    0 and 1: outer and inner corner of the eye at the picture's right; 2 and 3: of the eye at its left; 4: nose base.
    """

    box: Box
    points: Points

    @property
    def inter_eye_px(self) -> float:
        """Pixels between the centres of the eyes."""
        return float(np.hypot(*self._eye_line))

    @property
    def roll(self) -> float:
        """Degrees in the picture's plane, positive clockwise."""
        x, y = self._eye_line
        return math.degrees(math.atan2(y, x))

    @property
    def yaw(self) -> float:
        """Estimated degrees to a side, from the nose's offset; good to some 10 degrees, zero when frontal."""
        along = self._eye_line / self.inter_eye_px
        offset = float(np.dot(self.points[4] - self._eyes.mean(axis=0), along))
        return math.degrees(math.atan2(offset, NOSE_PROTRUSION * self.inter_eye_px))

    @property
    def _eyes(self) -> Points:
        """Centres of the eyes, (2, 2): the one at the picture's left first."""
        return np.stack([self.points[2:4].mean(axis=0), self.points[0:2].mean(axis=0)])

    @property
    def _eye_line(self) -> Points:
        left, right = self._eyes
        return np.asarray(right - left, dtype=np.float64)


class Detector:
    """HOG detector and 5-point predictor. One for each process; a lock serialises the detector, which keeps state."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._find: Any = DLIB.get_frontal_face_detector()
        self._place: Any = DLIB.shape_predictor(str(landmarks_file()))

    def faces(self, picture: RGB, *, long_side: int) -> list[Face]:
        """All faces in an RGB uint8 (rows, columns, 3), largest first; the frame is reduced to ``long_side`` pixels."""
        rows, columns = picture.shape[:2]
        scale = max(1.0, max(rows, columns) / long_side)
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        if scale > 1.0:
            size = (max(1, round(columns / scale)), max(1, round(rows / scale)))
            grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
        with self._lock:
            found = list(self._find(grey, 0))
            faces = [self._face(picture, rectangle, scale) for rectangle in found]
        return sorted((face for face in faces if face.inter_eye_px > 0), key=lambda face: -face.box.area)

    def _face(self, picture: RGB, rectangle: Any, scale: float) -> Face:
        sides = (rectangle.left(), rectangle.top(), rectangle.right(), rectangle.bottom())
        box = Box(*(round(side * scale) for side in sides))
        shape = self._place(picture, _rectangle(box))
        return Face(box=box, points=np.array([(point.x, point.y) for point in shape.parts()], dtype=np.float64))


def _rectangle(box: Box) -> Any:
    return DLIB.rectangle(box.left, box.top, box.right, box.bottom)


def chip(picture: RGB, face: Face) -> RGB:
    """The face upright and centred, RGB uint8 (150, 150, 3), as dlib's network was trained on."""
    points = [DLIB.point(int(x), int(y)) for x, y in face.points]
    shape = DLIB.full_object_detection(_rectangle(face.box), points)
    cut: RGB = DLIB.get_face_chip(picture, shape, size=CHIP_SIDE, padding=CHIP_PADDING)
    return cut


def only_face(faces: list[Face]) -> Face:
    """The one face of an enrolment picture. Raises `Refusal` face_no_face or face_many_faces."""
    if not faces:
        raise Refusal(Reason.FACE_NO_FACE, "look_at_the_camera")
    if len(faces) > 1:
        raise Refusal(Reason.FACE_MANY_FACES, "one_person_only")
    return faces[0]


def dominant_face(faces: list[Face]) -> Face:
    """The face nearest to a gate's camera, if its area is at least three times that of the next.

    People behind the traveller are far smaller; two of like size are two travellers in one lane. Raises `Refusal`
    face_no_face or face_many_faces.
    """
    if len(faces) > 1 and faces[0].box.area >= DOMINANT * faces[1].box.area:
        return faces[0]
    return only_face(faces)
