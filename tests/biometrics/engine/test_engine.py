"""The engine as server and gate use it: who is matched, who is refused, and for which reason."""

import itertools
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from idp.biometrics.engine import EMBEDDED_THRESHOLDS, Enrolment, Template, load_engine
from idp.biometrics.engine.detection import ENROLMENT_SIDE, Box, Detector, Face, chip, dominant_face, only_face
from idp.biometrics.engine.embedded import EmbeddedEngine
from idp.biometrics.engine.embedded_pack import Recogniser, ensure_pack
from idp.biometrics.engine.pictures import decode
from idp.biometrics.engine.templates import quantise, restore
from idp.demo.photographs import live_capture, people, portrait, variant
from idp.protocol.refusals import Reason, Refusal

from .frames import image, jpeg, lit

SIX = range(6)
WALL = np.full((720, 1280, 3), 140, dtype=np.uint8)


def face_at(left: int, side: int) -> Face:
    points = np.array([(90, 30), (70, 30), (10, 30), (30, 30), (50, 60)], dtype=np.float64) * side / 100
    return Face(box=Box(left, 0, left + side, side), points=points + np.array([left, 0.0]))


@pytest.mark.parametrize("person", SIX)
def test_a_traveller_taken_for_another_or_not_known_again(
    engine: EmbeddedEngine, registry: list[Enrolment], person: int
) -> None:
    frames = live_capture(person, seed=11)
    results = [engine.compare(one.template, frames, require_liveness=True) for one in registry]
    for other, result in enumerate(results):
        assert (result.distance < 0.5) if other == person else (result.distance > 0.6)
        assert (result.score >= EMBEDDED_THRESHOLDS.admit) == (other == person)
    assert results[person].liveness == pytest.approx(1.0)


@pytest.mark.parametrize("person", SIX)
def test_the_same_face_in_other_light_and_place_not_known_again(
    engine: EmbeddedEngine, registry: list[Enrolment], person: int
) -> None:
    for seed in range(3):
        frame = jpeg(variant(portrait(person), seed))
        assert engine.compare(registry[person].template, [frame], require_liveness=False).distance < 0.55


def test_two_people_nearer_than_any_impostor_may_be(registry: list[Enrolment]) -> None:
    known = [restore(one.template, model="dlib-resnet-v1") for one in registry]
    distances = [float(np.linalg.norm(one - other)) for one, other in itertools.combinations(known, 2)]
    assert len(distances) == 15
    assert min(distances) > 0.61


def test_a_quantisation_that_moves_people_together(detector: Detector, model_dir: Path) -> None:
    recogniser = Recogniser(ensure_pack(model_dir))
    raw = []
    for picture in [one.jpeg for one in people()] + [jpeg(variant(portrait(person), 5)) for person in SIX]:
        pixels = decode(picture)
        raw.append(recogniser.embed(chip(pixels, only_face(detector.faces(pixels, long_side=ENROLMENT_SIDE)))))
    again = [restore(quantise(one, model="m"), model="m") for one in raw]
    for one, other in itertools.combinations(range(12), 2):
        change = np.linalg.norm(raw[one] - raw[other]) - np.linalg.norm(again[one] - again[other])
        assert abs(change) < 0.02


def test_an_empty_lane_ending_in_anything_but_no_face(engine: EmbeddedEngine, registry: list[Enrolment]) -> None:
    for call in (
        lambda: engine.enrol(jpeg(WALL)),
        lambda: engine.compare(registry[0].template, [jpeg(WALL)] * 3, require_liveness=True),
    ):
        with pytest.raises(Refusal) as caught:
            call()
        assert (caught.value.reason, caught.value.detail) == (Reason.FACE_NO_FACE, "look_at_the_camera")


def test_a_portrait_of_several_people_enrolled(engine: EmbeddedEngine) -> None:
    row = np.hstack([portrait(person)[150:650] for person in SIX])
    with pytest.raises(Refusal) as caught:
        engine.enrol(jpeg(cv2.resize(row, None, fx=0.5, fy=0.5)))
    assert caught.value.reason is Reason.FACE_MANY_FACES


def test_somebody_small_in_the_background_of_a_portrait(engine: EmbeddedEngine) -> None:
    crowded = np.hstack([portrait(0), np.full((800, 600, 3), 140, dtype=np.uint8)])
    crowded[0:400, 800:1100] = cv2.resize(portrait(2), (300, 400))
    with pytest.raises(Refusal) as caught:
        engine.enrol(jpeg(crowded))
    assert caught.value.reason is Reason.FACE_MANY_FACES


def test_two_travellers_in_one_lane(engine: EmbeddedEngine, registry: list[Enrolment]) -> None:
    left, right = (image(live_capture(person, 1)[0])[:, 320:960] for person in (0, 2))
    with pytest.raises(Refusal) as caught:
        engine.compare(registry[0].template, [jpeg(np.hstack([left, right]))], require_liveness=False)
    assert caught.value.reason is Reason.FACE_MANY_FACES


def test_the_far_one_of_two_people_compared(detector: Detector) -> None:
    crowded = np.full((800, 1200, 3), 140, dtype=np.uint8)
    crowded[200:520, 100:340] = cv2.resize(portrait(2), (240, 320))
    crowded[:, 600:] = portrait(0)
    faces = detector.faces(np.ascontiguousarray(crowded[:, :, ::-1]), long_side=ENROLMENT_SIDE)
    assert [face.box.left > 600 for face in faces] == [True, False]
    assert dominant_face(faces) is faces[0]


def test_people_far_behind_who_close_the_lane() -> None:
    near, far, beside = face_at(0, 300), face_at(400, 170), face_at(400, 180)
    assert dominant_face([near, far]) is near
    for faces in ([near, beside], [near, beside, far]):
        with pytest.raises(Refusal) as caught:
            dominant_face(faces)
        assert caught.value.reason is Reason.FACE_MANY_FACES


@pytest.mark.parametrize(
    ("worsen", "advice"),
    [
        (lambda picture: cv2.resize(picture, None, fx=0.45, fy=0.45), "come_closer"),
        (lambda picture: lit(picture, 0.12), "too_dark"),
        (lambda picture: lit(picture, 1.4, 120), "too_bright"),
        (lambda picture: cv2.GaussianBlur(picture, (0, 0), 9.0), "hold_still"),
    ],
)
def test_a_bad_picture_enrolled_or_refused_without_help(engine: EmbeddedEngine, worsen: object, advice: str) -> None:
    assert callable(worsen)
    with pytest.raises(Refusal) as caught:
        engine.enrol(jpeg(worsen(portrait(2)), 95))
    assert (caught.value.reason, caught.value.detail) == (Reason.FACE_LOW_QUALITY, advice)


def test_the_worst_frame_compared(engine: EmbeddedEngine, registry: list[Enrolment]) -> None:
    good = live_capture(3, 4)
    blurred = jpeg(cv2.GaussianBlur(image(good[1]), (0, 0), 9.0))
    result = engine.compare(registry[3].template, [blurred, good[1], jpeg(WALL)], require_liveness=False)
    assert result.frame == 1
    assert result.liveness is None


def test_a_sharp_frame_from_too_far_preferred_to_one_that_will_do(
    engine: EmbeddedEngine, registry: list[Enrolment]
) -> None:
    near = image(live_capture(3, 1)[0])
    far = cv2.resize(near, None, fx=0.55, fy=0.55, interpolation=cv2.INTER_AREA)
    frames = [jpeg(far, 95), jpeg(cv2.GaussianBlur(near, (0, 0), 2.5))]
    assert engine.compare(registry[3].template, frames, require_liveness=False).frame == 1


@pytest.mark.parametrize("count", [0, 11])
def test_an_unbounded_number_of_frames(engine: EmbeddedEngine, registry: list[Enrolment], count: int) -> None:
    with pytest.raises(Refusal) as caught:
        engine.compare(registry[0].template, [b""] * count, require_liveness=False)
    assert (caught.value.reason, caught.value.detail) == (Reason.MALFORMED, f"{count} frames, expected 1 to 10")


def test_a_reference_of_another_model_compared(engine: EmbeddedEngine) -> None:
    with pytest.raises(Refusal) as caught:
        engine.compare(Template("other-v1", "q8", bytes(128)), live_capture(0, 1), require_liveness=False)
    assert caught.value.reason is Reason.FACE_MODEL_UNSUPPORTED


def test_a_poisoned_frame_in_a_burst(engine: EmbeddedEngine, registry: list[Enrolment]) -> None:
    frames = live_capture(0, 1)
    with pytest.raises(Refusal) as caught:
        engine.compare(registry[0].template, [*frames[:2], frames[2][:5000]], require_liveness=True)
    assert caught.value.reason is Reason.MALFORMED


def test_an_engine_that_does_not_exist() -> None:
    with pytest.raises(RuntimeError, match="embedded"):
        load_engine("other")


def test_django_drawn_into_a_gate() -> None:
    program = "import sys, idp.biometrics.engine.embedded; sys.exit('django' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
