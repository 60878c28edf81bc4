"""Alignment: the turn, scale and shift that landmarks have undergone are found, and a face is never mirrored."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.biometrics.engine.alignment import ARCFACE, CHIP, CHIP_EYES, cut, similarity

angles, scales, shifts = st.floats(-180, 180), st.floats(0.05, 20), st.floats(-2000, 2000)


@given(angle=angles, scale=scales, x=shifts, y=shifts)
def test_a_face_brought_to_another_place(angle: float, scale: float, x: float, y: float) -> None:
    turn = np.radians(angle)
    matrix = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    seen = ARCFACE @ matrix.T + (x, y)
    found = similarity(seen, ARCFACE)
    assert seen @ found[:, :2].T + found[:, 2] == pytest.approx(ARCFACE, abs=1e-6)


@given(noise=st.integers(0, 2**32 - 1), spread=st.floats(0, 30))
def test_a_mirrored_face_taken_for_a_face(noise: int, spread: float) -> None:
    seen = ARCFACE * (-1.0, 1.0) + np.random.default_rng(noise).normal(0, spread, (5, 2))
    found = similarity(seen, ARCFACE)[:, :2]
    assert np.linalg.det(found) > 0.0
    assert found[0] @ found[1] == pytest.approx(0.0, abs=1e-9)


def test_a_chip_on_which_the_eyes_lie_elsewhere_than_on_the_embedded_one() -> None:
    assert CHIP[:2] == pytest.approx(CHIP_EYES, abs=0.3)
    assert 70 < CHIP[2, 1] < CHIP[3, 1] < 120


def test_what_lies_beyond_the_picture_made_up() -> None:
    white = np.full((60, 60, 3), 255, dtype=np.uint8)
    made = cut(white, ARCFACE - (56.0, 0.0), ARCFACE, 112)
    assert made.shape == (112, 112, 3)
    assert made[:50, 60:110].min() == 255 and made[:, :50].max() == 0
