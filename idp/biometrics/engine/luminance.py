"""What the light and the compression of a face picture are worth, 0..100, from grey levels alone (ISO/IEC 29794-5).

Zones are places in a 150-pixel chip: the face without the rim that shows hair and background, and its two cheeks.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from idp.biometrics.engine.face import Box
from idp.biometrics.engine.pictures import RGB

Grey = NDArray[np.uint8]

DARK, BRIGHT = 25, 247  # proportions of luminance in [0, 25] and [247, 255]
FACE_MARGIN: Final = 30  # pixels of a chip's rim that show hair and background
CHEEK_ROWS, LEFT_CHEEK, RIGHT_CHEEK = slice(64, 94), slice(34, 62), slice(88, 116)
BINS: Final = 32  # of a cheek's histogram: 840 pixels fill no more
FULL_SHARPNESS: Final = 120.0  # variance of the Laplacian on a smoothed 150 px chip of a sharp photograph
BLOCK: Final = 8  # pixels of JPEG's transform, and WebP's larger ones are multiples
LOOKED_AT: Final = 512  # pixels of the face's side that are looked at for blocks, to bound the cost
BLOCKS_SEEN, BLOCKS_ALL = 0.15, 2.5  # excess of steps at the grid; JPEG at quality 90, and at 3


def of_face(chip: RGB) -> dict[str, float]:
    """The measures of an RGB uint8 chip (150, 150, 3), by the standard's names."""
    grey: Grey = np.asarray(cv2.cvtColor(chip, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    face = grey[FACE_MARGIN:-FACE_MARGIN, FACE_MARGIN:-FACE_MARGIN]
    shares = np.bincount(face.ravel(), minlength=256) / face.size
    level = face.mean() / 255.0
    return {
        "UnderExposurePrevention": 100.0 * float(shares[DARK + 1 :].sum()),
        "OverExposurePrevention": 100.0 * float(shares[:BRIGHT].sum()),
        "LuminanceMean": 100.0 * _rises(level, 0.2, 0.05) * (1.0 - _rises(level, 0.8, 0.05)),
        "IlluminationUniformity": 100.0 * _alike(grey[CHEEK_ROWS, LEFT_CHEEK], grey[CHEEK_ROWS, RIGHT_CHEEK]) ** 0.3,
        "LuminanceVariance": _variance(float(face.var()) / 255.0**2),
        "DynamicRange": 12.5 * _entropy(shares),
        "Sharpness": ramp(sharpness(face), FULL_SHARPNESS),
    }


def compression(picture: RGB, box: Box) -> float:
    """How free the picture is of blocks round the face, 0..100, on the grid of the *source*, which a chip has lost.

    A picture that was scaled or cut after it was compressed hides its blocks from this measure.
    """
    rows, columns = picture.shape[:2]
    top, bottom = _on_grid(box.top, box.bottom, rows)
    left, right = _on_grid(box.left, box.right, columns)
    if bottom - top < 2 * BLOCK or right - left < 2 * BLOCK:
        return 0.0
    grey = cv2.cvtColor(np.ascontiguousarray(picture[top:bottom, left:right]), cv2.COLOR_RGB2GRAY).astype(np.int16)
    excess = (_blockiness(grey) + _blockiness(grey.T)) / 2
    return 100.0 - ramp(excess - BLOCKS_SEEN, BLOCKS_ALL - BLOCKS_SEEN)


def sharpness(grey: NDArray[np.generic]) -> float:
    """Variance of the Laplacian of a lightly smoothed grey chip: noise counts little, edges much."""
    smooth = cv2.GaussianBlur(grey.astype(np.float32), (0, 0), 1.0)
    return float(cv2.Laplacian(smooth, cv2.CV_32F).var())


def ramp(value: float, full: float) -> float:
    """0 up to 0, 100 from ``full``."""
    return 100.0 * min(1.0, max(0.0, value / full))


def _rises(value: float, half: float, width: float) -> float:
    """A sigmoid: 0.5 at ``half``."""
    return 1.0 / (1.0 + float(np.exp(min(50.0, (half - value) / width))))


def _variance(spread: float) -> float:
    """Full for a contrast as good portraits have it; the standard's curve, which falls again for harsh light."""
    return 100.0 * float(np.sin(np.pi * 60.0 * spread / (60.0 * spread + 4.0)))


def _entropy(shares: NDArray[np.float64]) -> float:
    """Bits, 0..8."""
    some = shares[shares > 0]
    return float(-(some * np.log2(some)).sum())


def _alike(left: Grey, right: Grey) -> float:
    """How much of two cheeks' histograms is common to both, 0..1; neighbouring bins lend to one another."""
    shares = []
    for cheek in (left, right):
        counts = np.bincount(cheek.ravel() // (256 // BINS), minlength=BINS).astype(np.float64)
        shares.append(np.convolve(counts, (0.25, 0.5, 0.25), mode="same") / cheek.size)
    return float(np.minimum(*shares).sum())


def _on_grid(low: int, high: int, end: int) -> tuple[int, int]:
    """The part of [low, high) that lies in the picture, begun on the grid, at most `LOOKED_AT` long."""
    low, high = max(0, low), min(end, high)
    spare = max(0, high - low - LOOKED_AT)
    return -(-(low + spare // 2) // BLOCK) * BLOCK, high - (spare - spare // 2)


def _blockiness(grey: NDArray[np.int16]) -> float:
    """By how much the steps across the grid's columns exceed those beside them, as a proportion of these."""
    steps = np.abs(np.diff(grey, axis=1)).mean(axis=0)
    steps = steps[: steps.size // BLOCK * BLOCK].reshape(-1, BLOCK).mean(axis=0)  # the last of each eight crosses
    return float(steps[-1] / (steps[1:-2].mean() + 0.5) - 1.0)
