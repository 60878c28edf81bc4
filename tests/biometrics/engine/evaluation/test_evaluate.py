"""The command over real pictures and the real engine."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from idp.biometrics.engine import Enrolment, FaceEngine, evaluate, model_of, templates
from idp.biometrics.engine.evaluation import groups, measuring, rates, trials
from idp.biometrics.engine.evaluation.measuring import Measured
from idp.biometrics.engine.evaluation.report import report
from idp.biometrics.engine.evaluation.work import Work
from idp.demo.photographs import live_capture, people
from tests.biometrics.engine import packs


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three people with a portrait and a capture each, and a wall for the third."""
    root = tmp_path_factory.mktemp("people")
    for portrait in people()[:3]:
        folder = root / f"person-{portrait.person}"
        folder.mkdir()
        (folder / "portrait.jpg").write_bytes(portrait.jpeg)
        (folder / "capture.jpg").write_bytes(live_capture(portrait.person, seed=1)[0])
    wall = cv2.imencode(".png", np.full((400, 400, 3), 128, np.uint8))[1].tobytes()
    (folder / "wall.png").write_bytes(wall)
    return root


def measured_by(engine: FaceEngine, directory: Path) -> Measured:
    wanted, limits = trials.read(directory), engine.thresholds
    with Work(None, engine="e") as work:
        return measuring.measure(
            engine,
            directory,
            wanted,
            groups=groups.read(directory, wanted),
            work=work,
            thresholds=(limits.admit, limits.refer),
        )


def test_scores_are_those_of_the_engine(engine: FaceEngine, registry: list[Enrolment], pictures: Path) -> None:
    """Many at once were compared in another way than one at a gate."""
    one, others = registry[0].template, [found.template for found in registry]
    many = templates.compare_many(one, others, model=engine.model)
    assert many.tolist() == pytest.approx(
        [templates.compare(one, other, model=engine.model).score for other in others], abs=1e-12
    )


def test_picture_without_face_counts_as_not_acquired_and_not_as_an_error(engine: FaceEngine, pictures: Path) -> None:
    measured = measured_by(engine, pictures)
    assert (measured.pictures, measured.failed) == (7, 1)
    assert measured.failures == {"face_no_face look_at_the_camera": 1}
    assert (measured.all.genuine.size, measured.all.impostor.size) == (3, 12)
    assert rates.eer(measured.all.genuine, measured.all.impostor) == 0
    assert (measured.subjects, measured.unenrolled) == (3, 0)


def test_report_claims_no_profile_that_the_comparisons_do_not_bear(engine: FaceEngine, pictures: Path) -> None:
    measured = measured_by(engine, pictures)
    found = report(measured, {"admit": engine.thresholds.admit})
    assert {name: profile["claimed"] for name, profile in found["profiles"].items()} == {
        "FMR 1e-3": False,
        "FMR 1e-4": False,
        "FMR 1e-5": False,
        "FMR 1e-6": False,
    }
    assert "3,000 impostor comparisons" in found["profiles"]["FMR 1e-3"]["why"]
    assert found["thresholds"] == {"admit": engine.thresholds.admit}


def test_command_prints_one_object(pictures: Path, model_dir: Path) -> None:
    """As an operator runs it: without database, settings or network."""
    (pictures / "pairs.csv").write_text(
        "reference,probe,same\nperson-0/portrait.jpg,person-0/capture.jpg,1\n"
        "person-0/portrait.jpg,person-1/capture.jpg,0\n"
    )
    command = [sys.executable, "-m", "idp.biometrics.engine.evaluate", str(pictures), "--json"]
    try:
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, env={"CAUSEWAY_MODEL_DIR": str(model_dir)}
        )
    finally:
        (pictures / "pairs.csv").unlink()
    found = json.loads(done.stdout)
    assert {"model", "genuine", "impostor", "fta", "fte", "fmr", "fnmr", "eer"} <= set(found)
    assert (found["genuine"], found["impostor"], found["fta"], found["eer"]) == (1, 1, 0.0, 0.0)
    assert set(found["fmr"]) == set(found["fnmr"]) == {"admit", "refer"}


def test_directory_that_is_none_ends_in_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert evaluate.main([str(tmp_path), "--json"]) == 2
    assert "neither" in capsys.readouterr().err


def test_engine_that_is_not_there_ends_in_two(
    pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A typing mistake in a pack's directory must not end in a report on another engine."""
    assert evaluate.main([str(pictures), "--engine", str(tmp_path / "missing")]) == 2
    assert "no face engine" in capsys.readouterr().err


def test_pack_is_evaluated_by_its_directory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its own templates, its own model, and the proposal for a pack that nobody has measured: it admits no one."""
    for person in (0, 2):
        folder = tmp_path / "set" / str(person)
        folder.mkdir(parents=True)
        for number in range(2):
            picture = packs.scene(person, shift=(3.0 * number, 0.0))
            (folder / f"{number}.png").write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    pack = packs.write(tmp_path / "pack")
    assert evaluate.main([str(tmp_path / "set"), "--engine", str(pack), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["model"] == model_of(pack)
    assert (found["genuine"], found["impostor"], found["fta"]) == (2, 4, 0.0)
    assert found["fmr"]["admit"] == 0.0 and found["fnmr"]["admit"] == 1.0
