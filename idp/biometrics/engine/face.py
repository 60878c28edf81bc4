"""What a face is, whichever network found it, and which one counts."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from idp.protocol.refusals import Reason, Refusal

DOMINANT: Final = 3.0  # at a gate, the nearest face must have three times the area of the next

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
class Layout:
    """Which landmark is which, and where an average head has them.

    ``left`` and ``right``: rows whose mean is the centre of the eye at that side *of the picture*; ``nose``: its row.
    ``nose_at`` and ``mouth_at``: how far below the eyes' centre and before it, in inter-eye distances; a layout without
    mouth tells no pitch.
    """

    left: tuple[int, ...]
    right: tuple[int, ...]
    nose: int
    nose_at: tuple[float, float]
    mouth: tuple[int, ...] = ()
    mouth_at: tuple[float, float] = (0.0, 0.0)


CORNERS: Final = Layout(left=(2, 3), right=(0, 1), nose=4, nose_at=(0.67, 0.5))
"""dlib's five: outer and inner corner of the eye at the picture's right, of the eye at its left, base of the nose."""

CENTRES: Final = Layout(left=(0,), right=(1,), nose=2, nose_at=(0.57, 0.53), mouth=(3, 4), mouth_at=(1.15, 0.12))
"""insightface's five: centres of the eyes, tip of the nose, corners of the mouth, the picture's left first. A head
looks straight when they lie as on the mean face that ArcFace aligns to; depths are those of the mean of 68 points that
comes with insightface (``data/objects/meanshape_68.pkl``)."""


@dataclass(frozen=True)
class Face:
    """A face: ``points`` float64 (5, 2), x and y in pixels of the full picture, in the order of ``layout``."""

    box: Box
    points: Points
    layout: Layout = CORNERS

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
        """Estimated degrees to a side, from the nose's offset; good to some 10 degrees, zero when frontal.

        Positive when the nose points to the picture's right.
        """
        along = self._eye_line / self.inter_eye_px
        offset = float(np.dot(self._from_eyes(self.points[self.layout.nose]), along))
        return math.degrees(math.atan2(offset, self.layout.nose_at[1] * self.inter_eye_px))

    @property
    def pitch(self) -> float | None:
        """Estimated degrees up or down, positive when the traveller looks down; None where no mouth was found.

        From how far down the nose stands between eyes and mouth: foreshortening is equal for both and cancels.
        """
        if not self.layout.mouth:
            return None
        x, y = self._eye_line / self.inter_eye_px
        down = np.array([-y, x])
        nose = float(np.dot(self._from_eyes(self.points[self.layout.nose]), down))
        mouth = float(np.dot(self._from_eyes(self.points[list(self.layout.mouth)].mean(axis=0)), down))
        (nose_below, nose_before), (mouth_below, mouth_before) = self.layout.nose_at, self.layout.mouth_at
        return math.degrees(
            math.atan2(nose * mouth_below - mouth * nose_below, mouth * nose_before - nose * mouth_before)
        )

    @property
    def eyes(self) -> Points:
        """Centres of the eyes, (2, 2): the one at the picture's left first."""
        left, right = (self.points[list(rows)].mean(axis=0) for rows in (self.layout.left, self.layout.right))
        return np.stack([left, right])

    @property
    def _eye_line(self) -> Points:
        left, right = self.eyes
        return np.asarray(right - left, dtype=np.float64)

    def _from_eyes(self, point: Points) -> Points:
        return np.asarray(point - self.eyes.mean(axis=0), dtype=np.float64)


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
