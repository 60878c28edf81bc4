"""Decodes untrusted pictures: JPEG, PNG or WebP by their content, bounded before anything is unpacked."""

import io
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from PIL.ExifTags import Base

from idp.protocol.refusals import Reason, Refusal

RGB = NDArray[np.uint8]

MAX_BYTES: Final = 12_000_000  # a 24-megapixel phone photograph has 4 to 10 MB
# By type, as the header says. A JPEG can be unpacked at half its size; a WebP takes five times its pixels' bytes.
MAX_PIXELS: Final = {"JPEG": 40_000_000, "PNG": 24_000_000, "WEBP": 12_000_000}
PLENTY: Final = 8_000_000  # pixels; a burst of larger ones would not fit into a worker, and a face needs far fewer
MIN_SIDE: Final = 64  # no face that can be compared fits below
FORMATS: Final = ("JPEG", "PNG", "WEBP")
ANIMATED: Final = (
    "PNG",
    "WEBP",
)  # a JPEG with further pictures (MPO) is a phone's depth or HDR layer: the first counts
PLAIN_MODES: Final = ("RGB", "L")
ALPHA_MODES: Final = ("RGBA", "LA", "P", "PA")
SNIFFED: Final = 1024  # bytes at the start, in which readers of other types look for theirs
OTHERS: Final = (b"%pdf-", b"<html", b"<!doctype", b"<script", b"<svg", b"<?php")
ZIP_END: Final = b"PK\x05\x06"  # APPNOTE.TXT §4.3.16; followed by 18 bytes and a comment


def decode(data: bytes) -> RGB:
    """The upright picture as contiguous RGB uint8 (rows, columns, 3), EXIF orientation applied.

    One of more than `PLENTY` pixels is halved, once or twice. Raises `Refusal`: ``malformed`` for bytes that are too
    many, truncated, of another type or of another type as well, animated, transparent, or in other colours than RGB and
    grey (CMYK, 16 bits); ``face_low_quality`` "come_closer" for a picture too small for a face. No error of a decoder
    escapes.
    """
    if len(data) > MAX_BYTES:
        raise _malformed("picture_too_many_bytes")
    if _is_something_else_too(data):
        raise _malformed("picture_polyglot")
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
    if width * height > MAX_PIXELS["JPEG" if picture.format == "MPO" else str(picture.format)]:
        raise _malformed("picture_too_many_pixels")
    if min(width, height) < MIN_SIDE:
        raise Refusal(Reason.FACE_LOW_QUALITY, "come_closer")
    if picture.format in ANIMATED and getattr(picture, "n_frames", 1) > 1:
        raise _malformed("picture_animated")
    if picture.mode not in PLAIN_MODES + ALPHA_MODES:
        raise _malformed(f"picture_colours ({picture.mode})")
    upright = ImageOps.exif_transpose(_halved(picture))
    return np.ascontiguousarray(np.asarray(_opaque(upright), dtype=np.uint8))


def _halved(picture: Image.Image) -> Image.Image:
    """Of at most `PLENTY` pixels; a JPEG is not even unpacked at more."""
    times = 1
    while picture.width * picture.height > PLENTY * times**2:
        times *= 2
    if times > 1:
        picture.draft(None, (picture.width // times, picture.height // times))  # does nothing for other types
    picture.load()
    while picture.width * picture.height > PLENTY:
        orientation = picture.getexif().get(Base.Orientation, 1)
        picture = _opaque(picture).reduce(2)
        picture.getexif()[Base.Orientation] = orientation
    return picture


def _is_something_else_too(data: bytes) -> bool:
    """Whether a reader of documents, pages or archives would take it for its own. No camera writes such a file."""
    head, tail = data[:SNIFFED].lower(), data[-(2**16 + 22) :]
    end = tail.rfind(ZIP_END)
    whole = end >= 0 and end + 22 + int.from_bytes(tail[end + 20 : end + 22], "little") == len(tail)
    return whole or any(start in head for start in OTHERS)


def _opaque(picture: Image.Image) -> Image.Image:
    """RGB; refuses transparency, which would show an officer another picture than the one compared."""
    if picture.mode in ("P", "PA") and picture.has_transparency_data:
        picture = picture.convert("RGBA")
    if "A" in picture.getbands():
        lowest, _ = picture.getchannel("A").getextrema()
        if lowest != 255:
            raise _malformed("picture_transparent")
    return picture if picture.mode == "RGB" else picture.convert("RGB")
