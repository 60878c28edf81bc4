"""Quality: each measure answers to its own fault and to no other, and the advice helps."""

import cv2
import numpy as np
import pytest

from idp.biometrics.engine.detection import Box, Face
from idp.biometrics.engine.pictures import RGB
from idp.biometrics.engine.quality import ADVICE, DEFAULT_MINIMUMS, Quality, measure, sharpness
from idp.protocol.refusals import Reason, Refusal

FRONTAL = np.array([(660, 300), (620, 300), (500, 300), (540, 300), (580, 370)], dtype=np.float64)


def face(points: np.ndarray = FRONTAL) -> Face:
    return Face(box=Box(400, 200, 760, 560), points=points)


def textured(level: int = 128, spread: int = 60) -> RGB:
    """A chip with edges: squares of 10 pixels."""
    squares = np.indices((150, 150)).sum(axis=0) // 10 % 2
    grey = np.clip(level + spread * (2 * squares - 1), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(np.stack([grey] * 3, axis=2))


def turned(points: np.ndarray, degrees: float) -> np.ndarray:
    angle = np.radians(degrees)
    matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return np.asarray((points - points.mean(axis=0)) @ matrix + points.mean(axis=0))


def failing(measured: Quality) -> set[str]:
    return {name for name, value in measured.measures.items() if value < DEFAULT_MINIMUMS[name]}


def test_a_good_face_refused() -> None:
    measured = measure(face(), textured(), [])
    assert failing(measured) == set()
    assert measured.inter_eye_px == pytest.approx(120.0)
    measured.require(DEFAULT_MINIMUMS)


def test_a_measure_outside_0_to_100() -> None:
    for level in (0, 128, 255):
        measured = measure(face(turned(FRONTAL, 170)), textured(level, 127), [])
        assert all(0.0 <= value <= 100.0 for value in measured.measures.values())


@pytest.mark.parametrize(
    ("name", "seen", "chip"),
    [
        ("InterEyeDistance", face(FRONTAL * 0.5), textured()),
        ("HeadPoseRoll", face(turned(FRONTAL, 25)), textured()),
        ("HeadPoseRoll", face(turned(FRONTAL, -25)), textured()),
        ("HeadPoseYaw", face(FRONTAL + np.array([[0, 0]] * 4 + [[70, 0]])), textured()),
        ("UnderExposurePrevention", face(), textured(10, 15)),
        ("OverExposurePrevention", face(), textured(255, 40) | np.uint8(8)),
        ("Sharpness", face(), cv2.GaussianBlur(textured(), (0, 0), 8.0)),
    ],
)
def test_a_fault_not_seen_or_blamed_on_something_else(name: str, seen: Face, chip: RGB) -> None:
    if name == "OverExposurePrevention":
        chip = np.where(chip > 200, np.uint8(255), np.uint8(250)).astype(np.uint8)
        chip[::10] = 128
    measured = measure(seen, chip, [])
    assert name in failing(measured)
    with pytest.raises(Refusal) as caught:
        measured.require({name: DEFAULT_MINIMUMS[name]})
    assert (caught.value.reason, caught.value.detail) == (Reason.FACE_LOW_QUALITY, ADVICE[name])
    assert failing(measured) - {name, "Sharpness"} == set()


def test_signs_of_roll_and_yaw_confused() -> None:
    assert face(turned(FRONTAL, 10)).roll == pytest.approx(10.0)
    assert face(turned(FRONTAL, 10)).yaw == pytest.approx(0.0, abs=1e-9)
    assert face(FRONTAL + np.array([[0, 0]] * 4 + [[20, 0]])).yaw > 10
    assert face(FRONTAL - np.array([[0, 0]] * 4 + [[20, 0]])).yaw < -10


def test_a_face_lost_in_a_crowd_called_single() -> None:
    others = [Face(box=Box(0, 0, 360, 360), points=FRONTAL)] * 3
    assert measure(face(), textured(), others).measures["SingleFacePresent"] == pytest.approx(25.0)


def test_noise_taken_for_sharpness() -> None:
    random = np.random.default_rng(1)
    flat = (128 + random.normal(0, 2, (90, 90))).astype(np.uint8)
    assert sharpness(flat) < 0.05 * cv2.Laplacian(flat.astype(np.float32), cv2.CV_32F).var()
    assert sharpness(flat) < 0.05 * sharpness(textured()[:, :, 0])


def test_a_measure_without_advice_or_minimum() -> None:
    measured = measure(face(), textured(), [])
    assert set(measured.measures) == set(ADVICE) == set(DEFAULT_MINIMUMS)
