"""Pictures as a lane's camera takes them of a phone's screen."""

import cv2
import numpy as np
import segno
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
WIDTH, HEIGHT = 1280, 720


def encoded(picture: Grey, kind: str = ".png") -> bytes:
    return bytes(cv2.imencode(kind, picture)[1].tobytes())


def wall(level: int = 110) -> bytes:
    """A picture in which there is nothing."""
    return encoded(np.full((HEIGHT, WIDTH), level, np.uint8))


def code(text: str, *, size: int = 640) -> Grey:
    """The QR code of ``text`` on a grey wall, ``size`` pixels wide with its quiet zone."""
    matrix = np.array([list(row) for row in segno.make_qr(text, error="m").matrix], dtype=np.uint8)
    modules = np.pad(1 - matrix, 4, constant_values=1) * 255
    drawn = cv2.resize(modules.astype(np.uint8), (size, size), interpolation=cv2.INTER_NEAREST)
    frame = np.full((HEIGHT, WIDTH), 110, np.uint8)
    top, left = (HEIGHT - size) // 2, (WIDTH - size) // 2
    frame[top : top + size, left : left + size] = drawn
    return frame


def drawn(text: str, kind: str = ".png") -> bytes:
    return encoded(code(text), kind)


def turned(picture: Grey, degrees: float, scale: float = 0.85) -> Grey:
    """Held at an angle."""
    matrix = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), degrees, scale)
    return np.asarray(cv2.warpAffine(picture, matrix, (WIDTH, HEIGHT), borderValue=(110,)), dtype=np.uint8)


def dim(picture: Grey, factor: float, noise: float = 6.0) -> Grey:
    """In poor light, with a sensor's noise."""
    random = np.random.default_rng(7)
    seen = picture * factor + random.normal(0, noise, picture.shape)
    return np.asarray(np.clip(seen, 0, 255), dtype=np.uint8)
