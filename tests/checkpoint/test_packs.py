"""A lane with face packs: which models it names when it enrols, and which engine compares a token's template."""

from collections.abc import Callable
from pathlib import Path

import pytest

from idp.biometrics.engine import EMBEDDED_MODEL, Enrolment, FaceEngine, load_engine, model_of
from idp.biometrics.engine.by_model import together
from idp.checkpoint import __main__ as program
from idp.protocol.refusals import Reason
from tests.biometrics.engine import packs
from tests.biometrics.engine.frames import jpeg
from tests.checkpoint.conftest import MakeLane
from tests.checkpoint.lanes import Clock, LaneSimulator, invitation
from tests.checkpoint.node import NodeSimulator
from tests.checkpoint.pictures import wall
from tests.simulators.gate import GateSimulator

PLACES = (10, 9, 11)


def burst(person: int) -> list[bytes]:
    return [jpeg(packs.scene(person, column=column), 95) for column in PLACES]


@pytest.fixture(scope="module")
def directories(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The pack that is left, and the one that takes its place."""
    root = tmp_path_factory.mktemp("packs")
    return [packs.write(root / f"tiny-{seed}", seed=seed) for seed in (0, 1)]


@pytest.fixture(scope="module")
def engines(directories: list[Path]) -> list[FaceEngine]:
    return [load_engine(one, model_dir=one.parent) for one in directories]


@pytest.fixture(scope="module")
def enrolments(engines: list[FaceEngine]) -> list[Enrolment]:
    return [engine.enrol(jpeg(packs.scene(0), 95)) for engine in engines]


@pytest.fixture
def lane(make_lane: MakeLane, engines: list[FaceEngine]) -> LaneSimulator:
    policy = {"face": {engine.model: {"admit": 0.95, "refer": 0.6} for engine in engines}}
    return make_lane(gate=GateSimulator(policy=policy), engine=lambda: together(list(reversed(engines))))


def code(lane: LaneSimulator, enrolment: Enrolment, number: int = 0) -> bytes | str:
    kept = enrolment.template
    return lane.code(number, face_model=kept.model, face_profile=kept.profile, sealed={"template": kept.data})


@pytest.mark.parametrize("model", [0, 1])
def test_a_reference_of_either_model_turned_away_while_both_are_valid(
    lane: LaneSimulator, enrolments: list[Enrolment], model: int
) -> None:
    assert lane.cross(code(lane, enrolments[model]), burst(0)).word == "admit"
    other = lane.cross(code(lane, enrolments[model], 1), burst(4))
    assert (other.word, other.reason) == ("refer", Reason.FACE_UNCERTAIN)


def test_a_reference_of_a_model_that_left_admitted(
    make_lane: MakeLane, engines: list[FaceEngine], enrolments: list[Enrolment]
) -> None:
    gate = GateSimulator(policy={"face": {engine.model: {"admit": 0.1, "refer": 0.05} for engine in engines}})
    lane = make_lane(gate=gate, engine=lambda: engines[1])
    assert lane.cross(code(lane, enrolments[0]), burst(0)).reason is Reason.FACE_MODEL_UNSUPPORTED


def test_nobody_in_front_of_a_pack(lane: LaneSimulator, enrolments: list[Enrolment]) -> None:
    assert lane.cross(code(lane, enrolments[0]), [wall()] * 3).reason is Reason.FACE_NO_FACE


def test_the_preferred_engine_does_what_has_no_model(engines: list[FaceEngine]) -> None:
    both = together(engines)
    assert (both.model, both.profile, both.thresholds) == (engines[0].model, "q4", engines[0].thresholds)
    assert both.enrol(jpeg(packs.scene(3), 95)).template.model == engines[0].model
    sight = both.look(jpeg(packs.scene(3), 95))
    assert both.same_person(sight, sight) and both.passive(sight) is None
    assert (both.embed(sight) == engines[0].embed(sight)).all()
    assert together(engines[:1]) is engines[0]


@pytest.fixture
def enrolled_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """What a node is told by ``enrol`` with these options; None where the program failed."""
    path = tmp_path / "invitation.json"

    def enrol(*options: str) -> object:
        node, heard = NodeSimulator(GateSimulator(), Clock()), list[object]()
        answer = node.enrol
        node.enrol = lambda request: (heard.append(program.strict_json.loads_object(request.body)), answer(request))[1]  # type: ignore[method-assign]
        path.write_bytes(program.strict_json.dumps(invitation()))
        with node.serving() as outbound:
            monkeypatch.setattr(program, "_outbound", lambda switches: outbound)
            status = program.main(["enrol", "--directory", str(tmp_path / "lane"), "--invitation", str(path), *options])
        return heard[0]["face_models"] if status == 0 else None  # type: ignore[index]

    return enrol


def test_a_lane_that_names_another_model_than_it_runs(
    enrolled_models: Callable[..., object], directories: list[Path]
) -> None:
    named = enrolled_models("--engine", str(directories[1]), "--engine", "embedded")
    assert named == [model_of(directories[1]), EMBEDDED_MODEL]


def test_a_lane_without_an_option_left_without_a_model(enrolled_models: Callable[..., object]) -> None:
    assert enrolled_models() == [EMBEDDED_MODEL]


def test_a_lane_enrolled_with_a_pack_that_was_exchanged(
    enrolled_models: Callable[..., object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = packs.write(tmp_path / "made")
    (made / "recognition.onnx").write_bytes(packs.recogniser(3))
    assert enrolled_models("--engine", str(made)) is None
    assert "SHA-256 differs" in capsys.readouterr().err
    assert not (tmp_path / "lane").exists()
