"""Quality: one property of a real picture is made worse step by step; its measure falls, and no other one is blamed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from idp.biometrics.engine import luminance
from idp.biometrics.engine.detection import ENROLMENT_SIDE, Detector, chip
from idp.biometrics.engine.face import CENTRES, Box, Face
from idp.biometrics.engine.pictures import RGB
from idp.biometrics.engine.quality import ADVICE, DEFAULT_MINIMUMS, Quality, measure
from idp.demo.photographs import portrait
from idp.protocol.refusals import Reason, Refusal

from .frames import image, jpeg, lit

FRONTAL = np.array([(660, 300), (620, 300), (500, 300), (540, 300), (580, 370)], dtype=np.float64)
LIGHT = {"LuminanceMean", "LuminanceVariance", "DynamicRange", "IlluminationUniformity", "Sharpness"}
PORTRAIT: RGB = np.ascontiguousarray(portrait(5)[:, :, ::-1])
WALL = np.full((1600, 1600, 3), 140, dtype=np.uint8)


@dataclass(frozen=True)
class Shot:
    """A picture and what was found in it."""

    picture: RGB
    face: Face
    others: tuple[Face, ...] = ()

    def quality(self) -> Quality:
        return measure(self.face, chip(self.picture, self.face), list(self.others), self.picture)


@pytest.fixture(scope="module")
def known() -> Face:
    """The face in the portrait; what a step does to the picture is done to its landmarks, so that only that changes."""
    return Detector().faces(PORTRAIT, long_side=ENROLMENT_SIDE)[0]


def mapped(face: Face, matrix: np.ndarray) -> Face:
    points = face.points @ matrix[:, :2].T + matrix[:, 2]
    middle = np.array([(face.box.left + face.box.right) / 2, (face.box.top + face.box.bottom) / 2])
    x, y = matrix[:, :2] @ middle + matrix[:, 2]
    half = float(np.hypot(*matrix[:, 0])) * (face.box.right - face.box.left) / 2
    left, top, right, bottom = (round(value) for value in (x - half, y - half, x + half, y + half))
    return Face(Box(left, top, right, bottom), points)


def warped(face: Face, matrix: Sequence[Sequence[float]], size: tuple[int, int] = (600, 800)) -> Shot:
    turn = np.array(matrix, dtype=np.float64)
    picture = cv2.warpAffine(PORTRAIT, turn, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
    return Shot(np.ascontiguousarray(picture, dtype=np.uint8), mapped(face, turn))


def turned(face: Face, degrees: float) -> Shot:
    return warped(face, cv2.getRotationMatrix2D((300, 360), degrees, 1.0).tolist())


def noses(face: Face, right: float = 0.0, down: float = 0.0) -> Shot:
    """Only the nose's landmark is moved, in inter-eye distances: a warp of the picture would move the others too."""
    points = face.points.copy()
    points[4] += np.array([right, down]) * face.inter_eye_px
    return Shot(PORTRAIT, Face(face.box, points))


def crowd(face: Face, share: float) -> Shot:
    side = round((face.box.right - face.box.left) * share)
    return Shot(PORTRAIT, face, (Face(Box(0, 0, side, side), FRONTAL),) * 3)


def light(face: Face, change: Callable[[RGB], RGB]) -> Shot:
    return Shot(np.ascontiguousarray(change(PORTRAIT), dtype=np.uint8), face)


def one_cheek(gain: float) -> Callable[[RGB], RGB]:
    """Darker to the right, softly."""
    slope = np.interp(np.arange(600), (280, 320), (1.0, gain))[None, :, None]
    return lambda picture: np.asarray(picture * slope, dtype=np.uint8)


def posterised(levels: int) -> Callable[[RGB], RGB]:
    step = 256 // levels
    return lambda picture: np.asarray(picture // step * step + step // 2, dtype=np.uint8)


def flat(contrast: float) -> Callable[[RGB], RGB]:
    return lambda picture: lit(picture, contrast, 128 * (1 - contrast))


STEPS: dict[str, tuple[list[Callable[[Face], Shot]], set[str]]] = {
    "SingleFacePresent": ([lambda f, s=s: crowd(f, s) for s in (0.1, 0.4, 0.7, 1.0)], set()),
    "InterEyeDistance": (
        [lambda f, s=s: warped(f, [[s, 0, 300 - 300 * s], [0, s, 360 - 360 * s]]) for s in (0.7, 0.55, 0.45, 0.35)],
        {"Sharpness"},  # a smaller picture of it is a sharper one
    ),
    "HeadSize": (
        [lambda f, s=s: warped(f, [[s, 0, 800 - 300 * s], [0, s, 400 - 360 * s]], (1600, 900)) for s in (1, 1.9, 2.6)],
        {"MarginAboveOfTheFaceImage", "MarginBelowOfTheFaceImage", "LuminanceVariance", "Sharpness"},  # leaves it too
    ),
    "LeftwardCropOfTheFaceImage": (
        [lambda f, s=s: warped(f, [[1, 0, -s], [0, 1, 0]]) for s in (0, 130, 150, 165)], {"CompressionArtifacts"},
    ),
    "RightwardCropOfTheFaceImage": (
        [lambda f, s=s: warped(f, [[1, 0, s], [0, 1, 0]]) for s in (0, 130, 150, 165)], {"CompressionArtifacts"},
    ),
    "MarginAboveOfTheFaceImage": (
        [lambda f, s=s: warped(f, [[1, 0, 0], [0, 1, -s]]) for s in (0, 190, 215, 226)], {"CompressionArtifacts"},
    ),
    "MarginBelowOfTheFaceImage": (
        [lambda f, s=s: warped(f, [[1, 0, 0], [0, 1, s]]) for s in (0, 150, 175, 186)], {"CompressionArtifacts"},
    ),
    "HeadPoseYaw": ([lambda f, s=s: noses(f, right=s) for s in (0.12, 0.3, 0.5, 0.7)], {"HeadPosePitch"}),
    "HeadPosePitch": ([lambda f, s=s: noses(f, down=-s) for s in (0.0, 0.2, 0.4, 0.6)], set()),
    "HeadPoseRoll": ([lambda f, s=s: turned(f, s) for s in (0, 15, 30, 45)], set()),
    "UnderExposurePrevention": (
        [lambda f, s=s: light(f, lambda p: lit(p, s)) for s in (1.0, 0.3, 0.2, 0.1, 0.05)], LIGHT,
    ),
    "OverExposurePrevention": (
        [lambda f, s=s: light(f, lambda p: lit(p, s)) for s in (1.0, 1.6, 2.0, 3.0, 5.0)], LIGHT,
    ),
    "LuminanceMean": (
        [lambda f, s=s: light(f, lambda p: lit(p, s)) for s in (0.8, 0.5, 0.35, 0.25, 0.2)],
        LIGHT | {"UnderExposurePrevention"},
    ),
    "IlluminationUniformity": ([lambda f, s=s: light(f, one_cheek(s)) for s in (1.0, 0.8, 0.6, 0.4)], LIGHT),
    "LuminanceVariance": ([lambda f, s=s: light(f, flat(s)) for s in (1.0, 0.6, 0.3, 0.1)], LIGHT),
    "DynamicRange": (
        [lambda f, s=s: light(f, posterised(s)) for s in (256, 32, 8, 4, 2)],
        {"CompressionArtifacts", "Sharpness", "LuminanceVariance", "IlluminationUniformity"},
    ),
    "CompressionArtifacts": (
        [lambda f, s=s: Shot(np.ascontiguousarray(image(jpeg(PORTRAIT, s))), f) for s in (90, 40, 20, 10, 5)],
        {"DynamicRange", "Sharpness", "IlluminationUniformity"},
    ),
    "Sharpness": (
        [lambda f, s=s: light(f, lambda p: cv2.GaussianBlur(p, (0, 0), s)) for s in (0.5, 1.5, 3.0, 5.0)], set(),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STEPS)
def test_a_measure_that_does_not_fall_with_its_property_or_falls_with_anothers(name: str, known: Face) -> None:
    steps, related = STEPS[name]
    found = [step(known).quality().measures for step in steps]
    values = [measures[name] for measures in found]
    assert values == sorted(values, reverse=True), values
    assert values[-1] < values[0] - 10, values
    assert values[-1] < 60 or name == "SingleFacePresent"
    for other in set(found[0]) - related - {name}:
        spread = [measures[other] for measures in found]
        assert max(spread) - min(spread) <= 15, (other, spread)


@pytest.mark.parametrize("name", STEPS)
def test_the_advice_is_that_of_the_property(name: str, known: Face) -> None:
    worst = STEPS[name][0][-1](known).quality()
    with pytest.raises(Refusal) as caught:
        worst.require({name: 99.0})
    assert (caught.value.reason, caught.value.detail) == (Reason.FACE_LOW_QUALITY, ADVICE[name])


def test_a_face_too_bright_told_that_it_is_too_dark(known: Face) -> None:
    glaring = light(known, lambda picture: lit(picture, 1.0, 110)).quality()
    with pytest.raises(Refusal) as caught:
        glaring.require({"LuminanceMean": 60.0})
    assert caught.value.detail == "too_bright"


def test_a_good_face_refused(known: Face) -> None:
    good = Shot(PORTRAIT, known).quality()
    assert good.lacking(DEFAULT_MINIMUMS) is None
    assert good.inter_eye_px == pytest.approx(150.0, abs=5.0)
    good.require(DEFAULT_MINIMUMS)


def test_a_measure_outside_0_to_100(known: Face) -> None:
    for picture in (WALL * 0, WALL, WALL * 0 + 255, np.random.default_rng(1).integers(0, 255, WALL.shape, np.uint8)):
        for face in (known, turned(known, 170).face, Face(Box(-50, -50, 4, 4), FRONTAL - 600)):
            found = measure(face, np.ascontiguousarray(picture[:150, :150]), [], picture.astype(np.uint8)).measures
            assert all(0.0 <= value <= 100.0 for value in found.values()), found


def test_a_measure_without_advice_or_minimum_or_step(known: Face) -> None:
    names = set(Shot(PORTRAIT, known).quality().measures)
    assert names == set(ADVICE) == set(DEFAULT_MINIMUMS) == set(STEPS)


def test_signs_of_roll_and_yaw_confused(known: Face) -> None:
    face = Face(Box(400, 200, 760, 560), FRONTAL)
    assert noses(face, right=0.2).face.yaw > 10 > -10 > noses(face, right=-0.2).face.yaw
    assert turned(known, -10).face.roll == pytest.approx(known.roll + 10, abs=0.1)


def test_a_pitch_of_the_mouths_thrown_away() -> None:
    """Where an engine finds a mouth, the pitch is its, not the guess by the nose's length."""
    points = np.array([(500, 300), (620, 300), (560, 345), (520, 425), (600, 425)], dtype=np.float64)
    face = Face(Box(400, 200, 760, 560), points, CENTRES)
    assert face.pitch is not None
    expected = 100 * np.cos(np.radians(face.pitch)) ** 2
    assert Shot(PORTRAIT, face).quality().measures["HeadPosePitch"] == pytest.approx(expected)


def test_blocks_looked_for_on_another_grid_than_the_pictures() -> None:
    """A crop that does not begin at a multiple of eight must be looked at where the source's grid is."""
    blocky = np.ascontiguousarray(image(jpeg(PORTRAIT, 10)))
    values = [luminance.compression(blocky, Box(100 + s, 150 + s, 500 + s, 600 + s)) for s in range(8)]
    assert max(values) - min(values) < 10 and max(values) < 60
    assert luminance.compression(blocky, Box(-200, -200, -100, -100)) == 0.0


def test_a_large_picture_that_costs_more_than_a_small_one() -> None:
    """Blocks are looked for in the middle of a large face: here they are round it."""
    random = np.random.default_rng(1)
    blocks = random.integers(60, 200, (200, 150), dtype=np.uint8).repeat(8, axis=0).repeat(8, axis=1)
    large = np.ascontiguousarray(np.stack([blocks] * 3, axis=2))
    assert luminance.compression(large, Box(0, 0, 1200, 1600)) == 0.0
    large[540:1060, 340:860] = cv2.resize(PORTRAIT, (520, 520))
    assert luminance.compression(large, Box(0, 0, 1200, 1600)) > 90.0


def test_noise_taken_for_sharpness() -> None:
    random = np.random.default_rng(1)
    noise = (128 + random.normal(0, 2, (90, 90))).astype(np.uint8)
    assert luminance.sharpness(noise) < 0.05 * cv2.Laplacian(noise.astype(np.float32), cv2.CV_32F).var()
    squares = (np.indices((90, 90)).sum(axis=0) // 10 % 2 * 120).astype(np.uint8)
    assert luminance.sharpness(noise) < 0.05 * luminance.sharpness(squares)
