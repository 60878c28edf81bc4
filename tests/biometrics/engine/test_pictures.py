"""Poison pictures: each ends in a reason, none in a decoder's error."""

import io
import struct
import zipfile
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from idp.biometrics.engine import pictures
from idp.biometrics.engine.pictures import decode
from idp.protocol.refusals import Reason, Refusal


def encoded(picture: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def gradient(width: int = 200, height: int = 100) -> Image.Image:
    columns = np.linspace(0, 255, width, dtype=np.uint8)
    grey = np.tile(columns, (height, 1))
    return Image.fromarray(np.stack([grey, 255 - grey, grey // 2], axis=2))


def huge_png(side: int) -> bytes:
    """A valid PNG header that promises ``side`` x ``side`` pixels, and next to no data."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data + chunk(b"IEND", b"")


def refusal(data: bytes) -> Refusal:
    with pytest.raises(Refusal) as caught:
        decode(data)
    return caught.value


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_an_honest_picture_refused_or_in_another_order_of_colours(kind: str) -> None:
    pixels = decode(encoded(gradient(), kind))
    assert (pixels.shape, pixels.dtype, pixels.flags["C_CONTIGUOUS"]) == ((100, 200, 3), np.uint8, True)
    assert pixels[50, 199, 0] > 240
    assert pixels[50, 199, 1] < 15


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_truncated_picture_filled_up_with_grey(kind: str) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (100, 100, 3), dtype=np.uint8)
    whole = encoded(Image.fromarray(noise), kind)
    assert refusal(whole[: len(whole) // 2]).reason is Reason.MALFORMED


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "PPM"])
def test_another_type_decoded(kind: str) -> None:
    assert refusal(encoded(gradient(), kind)).reason is Reason.MALFORMED


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", b"%PDF-1.7", b"<svg/>", b"\x89PNG\r\n\x1a\n"])
def test_bytes_that_are_no_picture(data: bytes) -> None:
    assert refusal(data).reason is Reason.MALFORMED


@pytest.mark.parametrize("side", [5_000, 60_000])
def test_a_bomb_unpacked_before_its_header_is_read(side: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("unpacked"))
    assert refusal(huge_png(side)).reason is Reason.MALFORMED


def test_too_many_bytes_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "open", lambda *args, **options: pytest.fail("opened"))
    assert refusal(bytes(pictures.MAX_BYTES + 1)).detail == "picture_too_many_bytes"


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_an_animation_of_which_one_frame_is_compared(kind: str) -> None:
    frames = [gradient(), gradient().transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=100)
    assert refusal(data).detail == "picture_animated"


def test_inverted_colours_of_a_printing_picture() -> None:
    assert refusal(encoded(gradient().convert("CMYK"))).detail == "picture_colours (CMYK)"


def test_sixteen_bits_cut_to_noise() -> None:
    deep = Image.fromarray(np.full((100, 100), 40_000, dtype=np.uint16))
    assert refusal(encoded(deep, "PNG")).reason is Reason.MALFORMED


def test_a_face_hidden_below_transparent_pixels() -> None:
    hidden = gradient().convert("RGBA")
    hidden.putalpha(0)
    assert refusal(encoded(hidden, "PNG")).detail == "picture_transparent"
    hidden.putalpha(255)
    assert decode(encoded(hidden, "PNG")).shape == (100, 200, 3)


def test_a_phones_portrait_lying_on_its_side() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # orientation: turn by 90 degrees clockwise
    pixels = decode(encoded(gradient(), exif=exif.tobytes()))
    assert pixels.shape == (200, 100, 3)
    assert pixels[199, 50, 0] > 240


def test_a_picture_too_small_for_a_face_given_to_the_detector() -> None:
    caught = refusal(encoded(gradient(63, 63), "PNG"))
    assert (caught.reason, caught.detail) == (Reason.FACE_LOW_QUALITY, "come_closer")


@given(
    kind=st.sampled_from(["JPEG", "PNG", "WEBP"]),
    place=st.floats(0, 1, exclude_max=True),
    junk=st.binary(min_size=1, max_size=8),
)
def test_a_decoders_error_that_escapes(kind: str, place: float, junk: bytes) -> None:
    data = bytearray(encoded(gradient(), kind))
    offset = int(place * len(data))
    data[offset : offset + len(junk)] = junk
    try:
        assert decode(bytes(data)).dtype == np.uint8
    except Refusal as caught:
        assert caught.reason in (Reason.MALFORMED, Reason.FACE_LOW_QUALITY)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_of_more_pixels_than_a_worker_has_room_for(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is halved until it is small enough, upright, and its colours stay where they were."""
    monkeypatch.setattr(pictures, "PLENTY", 20_000)
    exif = Image.Exif()
    exif[0x0112] = 6
    pixels = decode(encoded(gradient(640, 480), kind, exif=exif.tobytes()))
    assert pixels.shape == (160, 120, 3)
    assert pixels[159, 60, 0] > 240 and pixels[0, 60, 0] < 15


def test_a_small_picture_made_smaller() -> None:
    assert decode(encoded(gradient(400, 300))).shape == (300, 400, 3)


def test_a_phones_picture_with_a_second_one_behind_it_refused() -> None:
    """Multi-picture JPEGs (CIPA DC-007) have a depth map or a preview behind the picture."""
    data = encoded(gradient(), "MPO", save_all=True, append_images=[gradient()])
    assert Image.open(io.BytesIO(data)).format == "MPO"
    assert decode(data).shape == (100, 200, 3)


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        made.writestr("run.js", "alert(1)")
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_that_is_an_archive_too(kind: str) -> None:
    """Whoever opens it by another name gets another file."""
    data = encoded(gradient(), kind) + archive()
    assert zipfile.is_zipfile(io.BytesIO(data))
    assert refusal(data).detail == "picture_polyglot"


@pytest.mark.parametrize(
    "text", [b"%PDF-1.7", b"<HTML><script>alert(1)</script>", b"<?php system($_GET[0]);", b"<svg onload="]
)
def test_a_picture_that_is_a_document_too(text: bytes) -> None:
    assert refusal(encoded(gradient(), comment=text)).detail == "picture_polyglot"


@pytest.mark.parametrize("text", [b"a photograph", b"<x:xmpmeta>", b"PK"])
def test_an_honest_comment_taken_for_another_type(text: bytes) -> None:
    assert decode(encoded(gradient(), comment=text)).shape == (100, 200, 3)
