"""A burst: stills in every disguise that is named are not live, a moving face is."""

import numpy as np
import pytest

from idp.biometrics.engine import Enrolment
from idp.biometrics.engine.detection import GATE_SIDE, Detector, Face
from idp.biometrics.engine.embedded import EmbeddedEngine
from idp.biometrics.engine.liveness import Sight, burst_score
from idp.biometrics.engine.pictures import decode
from idp.demo.photographs import live_capture
from idp.protocol.refusals import Reason, Refusal

from .frames import image, jpeg, lit


def refused(engine: EmbeddedEngine, reference: Enrolment, frames: list[bytes]) -> Refusal:
    with pytest.raises(Refusal) as caught:
        engine.compare(reference.template, frames, require_liveness=True)
    return caught.value


@pytest.mark.parametrize("person", range(6))
def test_a_traveller_who_moves_a_little_taken_for_a_still(
    engine: EmbeddedEngine, registry: list[Enrolment], person: int
) -> None:
    for seed in (21, 22):
        frames = live_capture(person, seed)
        result = engine.compare(registry[person].template, frames, require_liveness=True)
        assert result.liveness is not None
        assert 0.5 <= result.liveness <= 1.0


def test_one_frame_three_times(engine: EmbeddedEngine, registry: list[Enrolment]) -> None:
    assert refused(engine, registry[0], [live_capture(0, 1)[0]] * 3).reason is Reason.FACE_NOT_LIVE


@pytest.mark.parametrize("person", range(6))
def test_a_still_compressed_anew_for_each_frame(engine: EmbeddedEngine, registry: list[Enrolment], person: int) -> None:
    still = image(live_capture(person, 2)[0])
    frames = [jpeg(still, quality) for quality in (95, 75, 50)]
    assert refused(engine, registry[person], frames).reason is Reason.FACE_NOT_LIVE


@pytest.mark.parametrize("person", range(6))
def test_a_still_made_brighter_and_darker(engine: EmbeddedEngine, registry: list[Enrolment], person: int) -> None:
    still = image(live_capture(person, 2)[0])
    frames = [jpeg(lit(still, gain, offset)) for gain, offset in ((1, 0), (0.85, 5), (1.1, -8))]
    assert refused(engine, registry[person], frames).reason is Reason.FACE_NOT_LIVE


def test_light_taken_for_movement_when_the_landmarks_tremble(detector: Detector) -> None:
    still = decode(live_capture(2, 2)[0])
    face = detector.faces(still, long_side=GATE_SIDE)[0]
    trembling = [Face(box=face.box, points=face.points + shift) for shift in (0.0, 4.0, -4.0)]
    pictures = [lit(still, gain, offset) for gain, offset in ((1, 0), (0.8, 5), (1.05, -8))]
    assert burst_score([Sight(*sight) for sight in zip(pictures, trembling, strict=True)]) < 0.1
    assert burst_score([Sight(np.roll(still, 5 * i, axis=1), face) for i, face in enumerate(trembling)]) > 0.9


def test_a_still_with_the_noise_of_a_camera_added(engine: EmbeddedEngine, registry: list[Enrolment]) -> None:
    still = image(live_capture(3, 2)[0])
    random = np.random.default_rng(1)
    noisy = [jpeg(np.clip(still + random.normal(0, 2, still.shape), 0, 255).astype(np.uint8)) for _ in range(3)]
    assert refused(engine, registry[3], noisy).reason is Reason.FACE_NOT_LIVE


def test_a_frozen_camera_that_wakes_for_the_last_frame(engine: EmbeddedEngine, registry: list[Enrolment]) -> None:
    first, second, _ = live_capture(0, 1)
    assert refused(engine, registry[0], [first, first, second]).reason is Reason.FACE_NOT_LIVE


def test_two_frames_or_one_enough(engine: EmbeddedEngine, registry: list[Enrolment]) -> None:
    assert burst_score([]) == 0.0
    for count in (1, 2):
        assert refused(engine, registry[0], live_capture(0, 1)[:count]).reason is Reason.FACE_NOT_LIVE


def test_another_person_put_in_within_the_burst(engine: EmbeddedEngine, registry: list[Enrolment]) -> None:
    frames = [*live_capture(0, 1)[:2], live_capture(2, 1)[2]]
    caught = refused(engine, registry[0], frames)
    assert (caught.reason, caught.detail) == (Reason.FACE_NOT_LIVE, "one_person_only")


def test_another_person_in_the_middle_whose_frame_is_the_best(
    engine: EmbeddedEngine, registry: list[Enrolment]
) -> None:
    """The frame that is compared must show the person who was there before and after."""
    frames = [live_capture(0, 1)[0], live_capture(3, 1)[1], live_capture(0, 1)[2]]
    assert refused(engine, registry[3], frames).reason is Reason.FACE_NOT_LIVE
