"""The lane with the engine that comes embedded and real photographs: what the doubles elsewhere stand for."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from idp.biometrics.engine import EMBEDDED_MODEL, FaceEngine, load_engine
from idp.demo.photographs import live_capture, people
from idp.protocol.refusals import Reason
from tests.checkpoint.conftest import MakeLane
from tests.checkpoint.lanes import LaneSimulator
from tests.checkpoint.pictures import wall
from tests.simulators.gate import GateSimulator

MakeCode = Callable[..., bytes | str]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> FaceEngine:
    kept = os.environ.get("CAUSEWAY_MODEL_DIR")
    return load_engine(model_dir=Path(kept) if kept else tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def template(engine: FaceEngine) -> bytes:
    """Of the first person, as enrolled from the portrait in the register."""
    return engine.enrol(people()[0].jpeg).template.data


@pytest.fixture
def lane(make_lane: MakeLane, engine: FaceEngine) -> LaneSimulator:
    limits = engine.thresholds
    policy = {"face": {EMBEDDED_MODEL: {"admit": limits.admit, "refer": limits.refer}}}
    return make_lane(gate=GateSimulator(policy=policy), engine=lambda: engine)


@pytest.fixture
def code(lane: LaneSimulator, template: bytes) -> MakeCode:
    def make(number: int = 0) -> bytes | str:
        return lane.code(number, face_model=EMBEDDED_MODEL, face_profile="q8", sealed={"template": template})

    return make


def test_the_holder_is_admitted(lane: LaneSimulator, code: MakeCode, engine: FaceEngine) -> None:
    verdict = lane.cross(code(), live_capture(0, seed=5))
    assert verdict.word == "admit"
    assert verdict.score is not None
    assert verdict.score >= engine.thresholds.admit
    assert verdict.face_ms is not None


@pytest.mark.parametrize("person", [2, 3])
def test_another_person_is_refused(lane: LaneSimulator, code: MakeCode, person: int) -> None:
    assert lane.cross(code(), live_capture(person, seed=5)).reason is Reason.FACE_MISMATCH


def test_one_picture_shown_three_times_is_not_live(lane: LaneSimulator, code: MakeCode) -> None:
    (picture,) = live_capture(0, seed=5, frames=1)
    assert lane.cross(code(), [picture] * 3).reason is Reason.FACE_NOT_LIVE


def test_an_empty_place_is_no_face(lane: LaneSimulator, code: MakeCode) -> None:
    assert lane.cross(code(), [wall()] * 3).reason is Reason.FACE_NO_FACE


def test_pictures_that_cannot_be_read_are_the_camera_s_fault(lane: LaneSimulator, code: MakeCode) -> None:
    """Invalid solely because the JPEGs are cut short: an officer looks, and the token stays good."""
    cut = [frame[:2000] for frame in live_capture(0, seed=5)]
    assert lane.cross(code(), cut).reason is Reason.CAMERA_UNAVAILABLE
    assert lane.cross(code(), live_capture(0, seed=5)).word == "admit"


def test_a_template_of_no_length_of_the_model_s_is_the_token_s_fault(lane: LaneSimulator, template: bytes) -> None:
    """Invalid solely because the template has 127 bytes."""
    raw = lane.code(face_model=EMBEDDED_MODEL, face_profile="q8", sealed={"template": template[:-1]})
    assert lane.cross(raw, live_capture(0, seed=5)).reason is Reason.MALFORMED


def test_a_model_that_the_checkpoint_does_not_compare_is_referred(lane: LaneSimulator) -> None:
    assert lane.cross(lane.code(face_model="other-1"), live_capture(0, seed=5)).reason is Reason.FACE_MODEL_UNSUPPORTED
