"""Pictures that somebody made to hurt: none larger than a traveller may hand in, each with the reason that it ends in.

``face_not_live`` stands for pictures that can be read: a burst of one and the same picture is not alive.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Final

import numpy as np
from PIL import Image

from idp.demo import photographs

PNG_START: Final = b"\x89PNG\r\n\x1a\n"
GIGABYTE: Final = 10**9


def face(side: int = 800, person: int = 0) -> Image.Image:
    return Image.open(io.BytesIO(photographs.people()[person].jpeg)).convert("RGB").resize((side * 3 // 4, side))


def encoded(picture: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def of_megapixels(count: int, kind: str = "JPEG", **options: object) -> bytes:
    """A face on a wide ground."""
    width = int((count * 1_000_000 * 4 / 3) ** 0.5)
    ground = Image.new("RGB", (width, width * 3 // 4), (120, 120, 130))
    head = face(ground.height * 9 // 10)
    ground.paste(head, ((ground.width - head.width) // 2, ground.height // 20))
    return encoded(ground, kind, **options)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def bomb(size: int) -> bytes:
    """zlib data of ``size`` zero bytes: a thousandth of it."""
    packer, block = zlib.compressobj(9), bytes(10**6)
    return b"".join([*(packer.compress(block) for _ in range(size // len(block))), packer.flush()])


def png(*chunks: bytes, width: int = 500, height: int = 500) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return PNG_START + header + b"".join(chunks) + chunk(b"IEND", b"")


def rows(width: int = 500, height: int = 500) -> bytes:
    return chunk(b"IDAT", zlib.compress(bytes((1 + 3 * width) * height)))


def circular_exif() -> bytes:
    """A directory that is its own successor, with an entry that promises four gigabytes."""
    entry = struct.pack("<HHII", 0x0112, 3, 2**32 - 1, 8)
    return b"Exif\0\0" + struct.pack("<2sHI", b"II", 42, 8) + struct.pack("<H", 1) + entry + struct.pack("<I", 8)


def heavy_metadata() -> bytes:
    """Three and a half megabytes of segments before the picture."""
    picture = encoded(face())
    segment = b"\xff\xe1" + struct.pack(">H", 65_535) + b"Exif\0\0" + bytes(65_527)
    return picture[:2] + segment * 55 + picture[2:]


def five_faces() -> bytes:
    ground = Image.new("RGB", (5 * 320, 420), (120, 120, 130))
    for person in range(5):
        ground.paste(face(400, person), (10 + person * 320, 10))
    return encoded(ground)


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        made.writestr("run.js", "alert(1)")
    return buffer.getvalue()


def animation(kind: str) -> bytes:
    turned = face().transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return encoded(face(), kind, save_all=True, append_images=[turned], duration=100)


def flat(width: int, height: int) -> Image.Image:
    return Image.new("L", (width, height), 128)


POISONS: Final[dict[str, tuple[str, Callable[[], bytes]]]] = {
    "truncated": ("malformed", lambda: encoded(face())[:20_000]),
    "100 megapixels, JPEG": ("malformed", lambda: encoded(flat(10_000, 10_000), quality=10)),
    "100 megapixels, PNG": ("malformed", lambda: encoded(flat(10_000, 10_000), "PNG")),
    "100 megapixels, WebP": ("malformed", lambda: encoded(flat(10_000, 10_000), "WEBP", quality=1, method=0)),
    "40 megapixels": ("face_not_live", lambda: of_megapixels(39, quality=60)),
    "24 megapixels, PNG": ("malformed", lambda: encoded(Image.fromarray(np.zeros((4100, 6000, 3), np.uint8)), "PNG")),
    "23 megapixels, PNG": ("face_no_face", lambda: encoded(flat(5_500, 4_200).convert("RGB"), "PNG")),
    "12 megapixels, WebP": ("face_not_live", lambda: of_megapixels(11, "WEBP", quality=60)),
    "EXIF in a circle": ("face_not_live", lambda: encoded(face(), exif=circular_exif())),
    "heavy metadata": ("face_not_live", heavy_metadata),
    "PNG, pixels that go on": ("face_no_face", lambda: png(chunk(b"IDAT", bomb(GIGABYTE)))),
    "PNG, heavy profile": ("malformed", lambda: png(chunk(b"iCCP", b"x\0\0" + bomb(GIGABYTE)), rows())),
    "PNG, heavy text": ("malformed", lambda: png(chunk(b"zTXt", b"x\0\0" + bomb(GIGABYTE)), rows())),
    "PNG, heavy text in iTXt": ("malformed", lambda: png(chunk(b"iTXt", b"x\0\1\0\0\0" + bomb(GIGABYTE)), rows())),
    "animated PNG": ("malformed", lambda: animation("PNG")),
    "animated WebP": ("malformed", lambda: animation("WEBP")),
    "animated GIF": ("malformed", lambda: animation("GIF")),
    "polyglot, archive": ("malformed", lambda: encoded(face()) + archive()),
    "polyglot, page": ("malformed", lambda: encoded(face(), comment=b"<html><script>alert(1)</script>")),
    "polyglot, document": ("malformed", lambda: b"%PDF-1.7\n" + encoded(face())),
    "PDF": ("malformed", lambda: encoded(face(), "PDF")),
    "TIFF": ("malformed", lambda: encoded(face(), "TIFF")),
    "SVG": ("malformed", lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
    "HEIC": ("malformed", lambda: b"\0\0\0\x18ftypheic" + bytes(100)),
    "no bytes of a picture": ("malformed", lambda: bytes(1000)),
    "CMYK": ("malformed", lambda: encoded(face().convert("CMYK"))),
    "16 bits": ("malformed", lambda: encoded(Image.fromarray(np.full((500, 500), 40_000, np.uint16)), "PNG")),
    "transparent": ("malformed", lambda: encoded(Image.new("RGBA", (500, 500)), "PNG")),
    "too small": ("face_low_quality", lambda: encoded(face(60))),
    "no face": ("face_no_face", lambda: encoded(flat(1280, 720))),
    "five faces": ("face_many_faces", five_faces),
}  # fmt: skip
