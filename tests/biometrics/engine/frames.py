"""Pictures made of the six photographs, for the tests of this folder."""

import cv2
import numpy as np
from numpy.typing import NDArray

BGR = NDArray[np.uint8]


def jpeg(image: BGR, quality: int = 90) -> bytes:
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes())


def image(data: bytes) -> BGR:
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), dtype=np.uint8)


def lit(picture: BGR, gain: float, offset: float = 0.0) -> BGR:
    return np.clip(picture * gain + offset, 0, 255).astype(np.uint8)
