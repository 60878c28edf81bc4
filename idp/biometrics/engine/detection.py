"""Finds faces with dlib's HOG detector and places five landmarks (dlib-bin, Boost licence; 5-point predictor, CC0).

The detector looks at a reduced grey frame, landmarks and chip are taken at full resolution: on a 720p kiosk frame with
90 px or more between the eyes, a third of the frame finds the same faces as the whole, in an eighth of the time.
"""

import threading
from typing import Any, Final

import cv2
import dlib
import numpy as np

from idp.biometrics.engine.dlib_weights import landmarks_file
from idp.biometrics.engine.face import Box, Face, dominant_face, only_face
from idp.biometrics.engine.pictures import RGB

__all__ = ["Box", "Detector", "Face", "chip", "dominant_face", "only_face"]

GATE_SIDE: Final = 427  # longer side looked at: a third of 1280x720
ENROLMENT_SIDE: Final = 1280  # slower, and finds people in the background
CHIP_SIDE: Final = 150
CHIP_PADDING: Final = 0.25

DLIB: Final[Any] = dlib  # untyped


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
