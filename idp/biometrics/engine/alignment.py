"""Turns, scales and moves a face so that its landmarks come to lie where a network saw them when it was trained."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from idp.biometrics.engine.face import Points

ARCFACE: Final[Points] = np.array(
    [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
)
"""Where ArcFace has the five landmarks of `face.CENTRES`, in pixels of 112x112; ``insightface.utils.face_align``."""

ARCFACE_SIDE: Final = 112
CHIP_SIDE: Final = 150
CHIP_EYES: Final = np.array([[47.7, 47.1], [100.3, 47.1]])  # centres of the eyes on dlib's chip of 150, padding 0.25


def similarity(points: Points, destination: Points) -> Points:
    """The matrix, (2, 3), that brings ``points`` (n, 2) nearest to ``destination`` without mirroring or shearing.

    S. Umeyama, Least-squares estimation of transformation parameters between two point patterns, 1991. Raises
    ValueError for points that coincide.
    """
    centre, goal = points.mean(axis=0), destination.mean(axis=0)
    spread = float(((points - centre) ** 2).sum()) / len(points)
    if not spread > 0.0:
        raise ValueError("landmarks that coincide have no pose")
    left, scales, right = np.linalg.svd((destination - goal).T @ (points - centre) / len(points))
    signs = np.array([1.0, np.sign(np.linalg.det(left) * np.linalg.det(right)) or 1.0])
    turn = left @ np.diag(signs) @ right * float(scales @ signs) / spread
    return np.hstack([turn, (goal - turn @ centre)[:, None]])


def cut(picture: NDArray[np.uint8], points: Points, destination: Points, side: int) -> NDArray[np.uint8]:
    """The square of ``side`` pixels in which ``points`` lie at ``destination``, black beyond the picture."""
    matrix = similarity(points, destination)
    return np.asarray(cv2.warpAffine(picture, matrix, (side, side), borderValue=0.0), dtype=np.uint8)


def _on_the_chip() -> Points:
    """ArcFace's landmarks, brought to where dlib's chip has the eyes: quality is then measured on like pictures."""
    matrix = similarity(ARCFACE[:2], CHIP_EYES)
    return np.asarray(ARCFACE @ matrix[:, :2].T + matrix[:, 2])


CHIP: Final[Points] = _on_the_chip()
