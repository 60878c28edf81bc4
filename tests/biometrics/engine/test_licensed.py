"""A licensed pack through insightface's own ``FaceAnalysis``, with small networks of the right shapes."""

import dataclasses
import warnings
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from insightface import addons
from insightface.app import FaceAnalysis

from idp.biometrics.engine import Enrolment, Template, UnableToLoadModel, load_engine, providers
from idp.biometrics.engine.alignment import CHIP, similarity
from idp.biometrics.engine.face import CENTRES, Box, Face
from idp.biometrics.engine.licensed import LicensedEngine, analysis
from idp.biometrics.engine.pack import Record, contents, sha256
from idp.protocol.refusals import Reason, Refusal

from . import packs
from .frames import BGR, jpeg

PLACES = [(10, (0.0, 0.0)), (9, (1.0, 0.5)), (10, (-1.5, 1.0)), (11, (0.5, -1.0))]  # a head that moves


def burst(person: int, change: Callable[[BGR], BGR] = lambda picture: picture) -> list[bytes]:
    return [jpeg(change(packs.scene(person, column=column, shift=shift)), 95) for column, shift in PLACES]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packs.write(tmp_path_factory.mktemp("packs") / "tiny")


@pytest.fixture(scope="module")
def licensed(directory: Path) -> LicensedEngine:
    return LicensedEngine(directory, model_dir=directory.parent)


@pytest.fixture(scope="module")
def known(licensed: LicensedEngine) -> list[Enrolment]:
    return [licensed.enrol(jpeg(packs.scene(person), 95)) for person in range(6)]


@pytest.fixture
def addon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a liveness network that the catalogue of insightface knows."""
    path = tmp_path / "models" / "addons" / "liveness.onnx"
    path.parent.mkdir(parents=True)
    path.write_bytes(packs.liveness())
    entry = dataclasses.replace(addons.ADDON_CATALOG["liveness"], sha256=packs.digest(packs.liveness()))
    monkeypatch.setattr("insightface.addons.catalog.ADDON_CATALOG", {"liveness": entry})
    return tmp_path / "models"


def refusal(call: Callable[[], object]) -> tuple[Reason, str]:
    with pytest.raises(Refusal) as caught:
        call()
    return caught.value.reason, caught.value.detail


@pytest.mark.parametrize("person", range(6))
def test_a_traveller_taken_for_another(licensed: LicensedEngine, known: list[Enrolment], person: int) -> None:
    frames = burst(person)
    results = [licensed.compare(one.template, frames, require_liveness=True) for one in known]
    assert max(range(6), key=lambda other: results[other].score) == person
    assert all(result.score == pytest.approx(1 - result.distance / 2) for result in results)
    assert results[person].liveness is not None and results[person].liveness > 0.5


def test_a_template_that_says_nothing_of_its_model(known: list[Enrolment], directory: Path) -> None:
    template = known[0].template
    digest = sha256(directory / "recognition.onnx")
    assert (template.model, template.profile, len(template.data)) == (f"tiny-{digest[:12]}", "q4", 256)


def test_an_embedding_that_is_not_the_one_of_insightface(licensed: LicensedEngine, directory: Path) -> None:
    picture = packs.scene(3)
    app = FaceAnalysis(name=str(directory), allowed_modules=["detection", "recognition"])
    app.prepare(ctx_id=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # it aligns by a function that scikit-image will drop
        (face,) = app.get(picture)
    sight = licensed.look(jpeg(picture, 100))
    ours = licensed.embed(dataclasses.replace(sight, picture=np.ascontiguousarray(picture[:, :, ::-1])))
    assert np.array_equal(sight.face.points, face.kps.astype(np.float64))
    assert float(ours @ face.embedding) / float(np.linalg.norm(ours) * np.linalg.norm(face.embedding)) > 0.9999


def test_a_pack_without_manifest_loaded_as_another(licensed: LicensedEngine, tmp_path: Path) -> None:
    bare = packs.write(tmp_path / "bare", manifest=False)
    tasks = {"detection": "detection.onnx", "recognition": "recognition.onnx"}
    Record("bare", tasks, {name: sha256(path) for name, path in contents(bare).items()}).write(bare)
    engine = LicensedEngine(bare, model_dir=tmp_path)
    assert engine.model == licensed.model.replace("tiny", "bare")
    sight = licensed.look(jpeg(packs.scene(1)))
    assert engine.embed(sight) == pytest.approx(licensed.embed(sight), abs=1e-3)


def test_another_file_loaded_than_the_one_whose_digest_names_the_model(tmp_path: Path) -> None:
    bare = packs.write(tmp_path / "bare", manifest=False)
    (bare / "zz.onnx").write_bytes(packs.recogniser(5))
    tasks = {"detection": "detection.onnx", "recognition": "zz.onnx"}
    Record("bare", tasks, {name: sha256(path) for name, path in contents(bare).items()}).write(bare)
    with pytest.raises(UnableToLoadModel, match=r"another file of .* for recognition"):
        LicensedEngine(bare, model_dir=tmp_path)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"recognition": packs.recogniser(dimensions=256)}, "to 256, not 112x112 to 512"),
        ({"recognition": packs.recogniser(side=128)}, r"\(128, 128\) to 512"),
        ({"recognition": packs.detector()}, "insightface does not load"),
        ({"recognition": b"nothing of the kind"}, "insightface does not load"),
        ({"detection": packs.recogniser()}, "lacks a network"),
    ],
)
def test_a_network_of_another_shape_that_loads(tmp_path: Path, files: dict[str, bytes], message: str) -> None:
    made = packs.write(tmp_path / "made")
    networks = {"detection": packs.detector(), "recognition": packs.recogniser()} | files
    tasks = {task: {"file": f"{task}.onnx", "sha256": packs.digest(network)} for task, network in networks.items()}
    for task, network in networks.items():
        (made / f"{task}.onnx").write_bytes(network)
    packs.describe(made, tasks=tasks)
    with pytest.raises(UnableToLoadModel, match=message):
        LicensedEngine(made, model_dir=tmp_path)


def test_two_people_at_a_gate(licensed: LicensedEngine, known: list[Enrolment]) -> None:
    both = jpeg(packs.draw(packs.scene(0, column=5), 1, column=14, row=1))
    called = refusal(lambda: licensed.compare(known[0].template, [both], require_liveness=False))
    assert called == (Reason.FACE_MANY_FACES, "one_person_only")


def test_somebody_far_behind_who_closes_the_lane_or_enrols(licensed: LicensedEngine, known: list[Enrolment]) -> None:
    frame = jpeg(packs.draw(packs.scene(2, column=7), 4, column=32, row=3, small=True), 95)
    assert licensed.compare(known[2].template, [frame], require_liveness=False).score > 0.9
    assert refusal(lambda: licensed.enrol(frame))[0] is Reason.FACE_MANY_FACES


def test_nobody_enrolled(licensed: LicensedEngine) -> None:
    wall = jpeg(np.full((720, 1280, 3), 140, dtype=np.uint8))
    assert refusal(lambda: licensed.enrol(wall))[0] is Reason.FACE_NO_FACE


def test_a_still_admitted_as_live(licensed: LicensedEngine, known: list[Enrolment]) -> None:
    frames = [jpeg(packs.scene(0), 95)] * 4
    assert (
        refusal(lambda: licensed.compare(known[0].template, frames, require_liveness=True))[0] is Reason.FACE_NOT_LIVE
    )


def test_templates_of_two_versions_compared(licensed: LicensedEngine, known: list[Enrolment], tmp_path: Path) -> None:
    other = LicensedEngine(packs.write(tmp_path / "next", seed=9), model_dir=tmp_path)
    assert refusal(lambda: other.compare(known[0].template, burst(0), require_liveness=False))[0] is (
        Reason.FACE_MODEL_UNSUPPORTED
    )
    renamed = Template(licensed.model, "q8", bytes(128))
    assert refusal(lambda: licensed.compare(renamed, burst(0), require_liveness=False))[0] is (
        Reason.FACE_MODEL_UNSUPPORTED
    )


def test_a_pack_that_nobody_measured_admitting_somebody(licensed: LicensedEngine, known: list[Enrolment]) -> None:
    same = licensed.compare(known[0].template, [jpeg(packs.scene(0), 95)], require_liveness=False)
    assert licensed.thresholds.refer < same.score < licensed.thresholds.admit


def test_the_addon_left_out_or_its_score_rounded(directory: Path, addon: Path, known: list[Enrolment]) -> None:
    engine = LicensedEngine(directory, model_dir=addon)
    assert engine.has_passive
    sight = engine.look(jpeg(packs.scene(0)))
    assert engine.passive(sight) == 1.0
    score = engine.passive(dataclasses.replace(sight, picture=sight.picture // 4))
    assert score is not None and 0.2 < score < 0.8


def test_a_frame_that_the_addon_calls_an_attack(directory: Path, addon: Path, known: list[Enrolment]) -> None:
    engine = LicensedEngine(directory, model_dir=addon, minimums={})
    dim = burst(0, lambda picture: np.where(picture == packs.MAGENTA, picture, picture // 4).astype(np.uint8))
    assert refusal(lambda: engine.compare(known[0].template, dim, require_liveness=True))[0] is Reason.FACE_NOT_LIVE


def test_a_face_at_the_rim_called_an_attack(directory: Path, addon: Path) -> None:
    """insightface rejects the input then; the traveller is told to move, and nobody is alarmed."""
    engine = LicensedEngine(directory, model_dir=addon)
    sight = engine.look(jpeg(packs.scene(0)))
    at_the_rim = dataclasses.replace(sight.face, points=sight.face.points - np.array([640.0, 0.0]))
    called = refusal(lambda: engine.passive(dataclasses.replace(sight, face=at_the_rim)))
    assert called == (Reason.FACE_LOW_QUALITY, "move_into_the_picture")


def test_an_addon_that_was_exchanged(directory: Path, addon: Path) -> None:
    (addon / "addons" / "liveness.onnx").write_bytes(packs.recogniser())
    with pytest.raises(UnableToLoadModel, match="SHA256 mismatch"):
        LicensedEngine(directory, model_dir=addon)


def test_an_addon_fetched_from_the_network(directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetched(*_: object, **__: object) -> None:
        pytest.fail("something was asked for over the network")

    monkeypatch.setattr("requests.sessions.Session.request", fetched)
    engine = LicensedEngine(directory, model_dir=tmp_path / "empty")
    assert not engine.has_passive
    assert engine.passive(engine.look(jpeg(packs.scene(0)))) is None
    with pytest.raises(UnableToLoadModel, match="no face engine is called 'buffalo_l'"):
        load_engine("buffalo_l", model_dir=tmp_path / "empty")
    assert not (tmp_path / "empty").exists()


def test_a_session_that_takes_every_core(directory: Path, addon: Path) -> None:
    app = analysis(directory, root=addon, providers=[providers.CPU])
    app.models["detection"].detect(packs.scene(0))
    sessions = [model.session for model in [*app.models.values(), *app.addons.values()]]
    sessions += app.models["detection"].resolution_sessions.values()
    assert len(sessions) == 5
    assert {one.get_session_options().intra_op_num_threads for one in sessions} == {1}


@pytest.mark.parametrize("wanted", [["cuda"], ["coreml", "cpu"], ["gpu"], []])
def test_a_provider_that_is_not_there_passed_over(directory: Path, tmp_path: Path, wanted: list[str]) -> None:
    with pytest.raises(UnableToLoadModel, match=r"has no (cuda|coreml)|there is no provider"):
        load_engine(directory, model_dir=tmp_path, providers=wanted)


def test_landmarks_without_a_pose_made_into_a_face(licensed: LicensedEngine) -> None:
    with pytest.raises(ValueError, match="coincide"):
        similarity(np.zeros((5, 2)), CHIP)
    mirrored = Face(Box(0, 0, 9, 9), CHIP * (-1.0, 1.0), CENTRES)
    from idp.biometrics.engine.licensed import _is_upright

    assert _is_upright(Face(Box(0, 0, 9, 9), CHIP, CENTRES))
    for points in (mirrored.points, np.zeros((5, 2)), np.full((5, 2), np.nan)):
        assert not _is_upright(Face(Box(0, 0, 9, 9), points, CENTRES))


def test_a_detector_that_says_nowhere(licensed: LicensedEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no number is no face; it must not end a job as a fault of ours."""
    nowhere = np.full((2, 5), np.nan, np.float32), np.zeros((2, 5, 2), np.float32)
    monkeypatch.setattr(licensed._detection, "detect", lambda picture: nowhere)
    assert refusal(lambda: licensed.look(jpeg(packs.scene(0))))[0] is Reason.FACE_NO_FACE


def test_a_frame_of_twelve_megapixels_refused(licensed: LicensedEngine, known: list[Enrolment]) -> None:
    large = jpeg(cv2.resize(packs.scene(5), (4096, 2304), interpolation=cv2.INTER_NEAREST), 92)
    assert licensed.compare(known[5].template, [large], require_liveness=False).score > 0.9
