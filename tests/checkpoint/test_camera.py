"""QR codes in pictures from a lane's camera."""

import numpy as np
import pytest
import segno

from idp.checkpoint.camera import read_code
from tests.checkpoint.lanes import LaneSimulator
from tests.checkpoint.pictures import Grey, code, dim, drawn, encoded, turned, wall


@pytest.fixture
def shown(lane: LaneSimulator) -> str:
    """The text of a true border token's code, of full size."""
    return str(lane.code())


def mirrored(picture: Grey) -> Grey:
    return np.ascontiguousarray(picture[:, ::-1])


def test_the_code_of_a_true_token_is_read_whole(shown: str) -> None:
    for kind in (".png", ".jpg", ".webp"):
        assert read_code(drawn(shown, kind)) == shown


@pytest.mark.parametrize("degrees", [90, 180, 7, -13])
def test_a_phone_held_at_an_angle_is_read(shown: str, degrees: float) -> None:
    assert read_code(encoded(turned(code(shown, size=700), degrees), ".jpg")) == shown


def test_a_phone_in_poor_light_is_read(shown: str) -> None:
    assert read_code(encoded(dim(code(shown, size=700), 0.4), ".jpg")) == shown


def test_a_camera_that_mirrors_its_picture_is_read(shown: str) -> None:
    assert read_code(encoded(mirrored(code(shown)))) == shown


def test_a_border_token_s_code_is_found_beside_another_code() -> None:
    picture = np.full((720, 1280), 110, np.uint8)
    for place, text in ((40, "https://example.org/"), (680, "BT1:HELLO")):
        matrix = np.array([list(row) for row in segno.make_qr(text).matrix], dtype=np.uint8)
        modules = np.kron(np.pad(1 - matrix, 4, constant_values=1), np.ones((12, 12), np.uint8)) * 255
        picture[100 : 100 + modules.shape[0], place : place + modules.shape[1]] = modules
    assert read_code(encoded(picture)) == "BT1:HELLO"


def test_a_code_of_something_else_is_no_code() -> None:
    assert read_code(drawn("https://example.org/BT1:")) is None


@pytest.mark.parametrize(
    "picture",
    [
        b"",
        b"not a picture",
        wall(),
        drawn("BT1:HELLO")[:-400],
        b"GIF89a" + bytes(100),
        encoded(np.zeros((8, 8), np.uint8)),
    ],
)
def test_a_picture_without_a_readable_code_is_no_error(picture: bytes) -> None:
    assert read_code(picture) is None
