"""Decodes untrusted pictures: JPEG, PNG or WebP by their content, bounded before anything is unpacked."""

import io
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from idp.protocol.refusals import Reason, Refusal

RGB = NDArray[np.uint8]

MAX_BYTES: Final = 12_000_000  # a 24-megapixel phone photograph has 4 to 10 MB
MAX_PIXELS: Final = 40_000_000  # 120 MB once unpacked; read from the header
MIN_SIDE: Final = 64  # no face that can be compared fits below
FORMATS: Final = ("JPEG", "PNG", "WEBP")
ANIMATED: Final = (
    "PNG",
    "WEBP",
)  # a JPEG with further pictures (MPO) is a phone's depth or HDR layer: the first counts
PLAIN_MODES: Final = ("RGB", "L")
ALPHA_MODES: Final = ("RGBA", "LA", "P", "PA")


def decode(data: bytes) -> RGB:
    """The upright picture as contiguous RGB uint8 (rows, columns, 3), EXIF orientation applied.

    Raises `Refusal`: ``malformed`` for bytes that are too many, truncated, of another type, animated, transparent, or
    in other colours than RGB and grey (CMYK, 16 bits); ``face_low_quality`` "come_closer" for a picture too small for
    a face.
    No error of a decoder escapes.
    """
    if len(data) > MAX_BYTES:
        raise _malformed("picture_too_many_bytes")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            return _checked(picture)
    except Refusal:
        raise
    except MemoryError:
        raise
    except Exception as error:  # decoders raise OSError, SyntaxError, struct.error, ValueError and more
        raise _malformed(f"picture_unreadable ({type(error).__name__})") from error


def _malformed(detail: str) -> Refusal:
    return Refusal(Reason.MALFORMED, detail)


def _checked(picture: Image.Image) -> RGB:
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise _malformed("picture_too_many_pixels")
    if min(width, height) < MIN_SIDE:
        raise Refusal(Reason.FACE_LOW_QUALITY, "come_closer")
    if picture.format in ANIMATED and getattr(picture, "n_frames", 1) > 1:
        raise _malformed("picture_animated")
    if picture.mode not in PLAIN_MODES + ALPHA_MODES:
        raise _malformed(f"picture_colours ({picture.mode})")
    picture.load()
    upright = ImageOps.exif_transpose(picture)
    return np.ascontiguousarray(np.asarray(_opaque(upright), dtype=np.uint8))


def _opaque(picture: Image.Image) -> Image.Image:
    """RGB; refuses transparency, which would show an officer another picture than the one compared."""
    if picture.mode in ALPHA_MODES:
        picture = picture.convert("RGBA")
        lowest, _ = picture.getchannel("A").getextrema()
        if lowest != 255:
            raise _malformed("picture_transparent")
    return picture.convert("RGB")
