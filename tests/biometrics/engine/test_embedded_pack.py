"""The conversion: the same numbers as dlib, the same bytes each time, safe among several processes."""

import hashlib
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from insightface import data

from idp.biometrics.engine import dlib_weights
from idp.biometrics.engine.detection import ENROLMENT_SIDE, Detector, chip
from idp.biometrics.engine.embedded_pack import (
    Chip,
    Recogniser,
    UnableToLoadModel,
    default_model_dir,
    ensure_pack,
)
from idp.biometrics.engine.onnx_graph import build

GOLDEN = Path(__file__).with_name("golden_embedding.json")
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def chips(detector: Detector) -> list[Chip]:
    """The six faces of the photograph at its own size, from left to right."""
    package: Any = data
    rgb = np.ascontiguousarray(package.get_image("t1")[:, :, ::-1])
    faces = sorted(detector.faces(rgb, long_side=ENROLMENT_SIDE), key=lambda face: face.box.left)
    return [chip(rgb, face) for face in faces]


@pytest.fixture(scope="module")
def recogniser(model_dir: Path) -> Recogniser:
    return Recogniser(ensure_pack(model_dir))


def test_plausible_but_wrong_numbers(chips: list[Chip], recogniser: Recogniser) -> None:
    golden = json.loads(GOLDEN.read_text())
    assert hashlib.sha256(chips[0].tobytes()).hexdigest() == golden["chip_sha256"]
    assert np.abs(recogniser.embed(chips[0]) - np.array(golden["embedding"])).max() < TOLERANCE


def test_an_embedding_that_is_not_dlibs_own(chips: list[Chip], recogniser: Recogniser) -> None:
    dlib: Any = importlib.import_module("dlib")
    network = dlib.face_recognition_model_v1(str(dlib_weights.packaged(dlib_weights.WEIGHTS)))
    assert len(chips) == 6
    for one in chips:
        assert np.abs(recogniser.embed(one) - np.array(network.compute_face_descriptor(one))).max() < TOLERANCE


def test_a_chip_of_another_size_resized_without_a_word(recogniser: Recogniser) -> None:
    with pytest.raises(ValueError, match="150"):
        recogniser.embed(np.zeros((160, 160, 3), dtype=np.uint8))
    with pytest.raises(ValueError, match="uint8"):
        recogniser.embed(np.zeros((150, 150, 3), dtype=np.float32))  # type: ignore[arg-type]


def test_a_conversion_that_differs_from_run_to_run() -> None:
    assert build(dlib_weights.read_network()) == build(dlib_weights.read_network())


def test_four_processes_that_convert_at_once(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from idp.biometrics.engine.embedded_pack import ensure_pack; "
        "print(ensure_pack(Path(sys.argv[1])))"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "models")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    paths = {process.communicate(timeout=60)[0].strip() for process in running}
    assert [process.returncode for process in running] == [0] * 4
    assert [str(path) for path in (tmp_path / "models").iterdir()] == list(paths)


def test_a_damaged_file_in_the_cache_loaded(tmp_path: Path) -> None:
    path = ensure_pack(tmp_path)
    intact = path.read_bytes()
    path.write_bytes(intact[:-1] + b"?")
    assert ensure_pack(tmp_path) == path
    assert path.read_bytes() == intact


def test_a_conversion_at_every_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = ensure_pack(tmp_path)
    monkeypatch.setattr("idp.biometrics.engine.embedded_pack.read_network", lambda: pytest.fail("converted again"))
    assert ensure_pack(tmp_path) == path


def test_a_half_written_file_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UnableToLoadModel, match="No space left"):
        ensure_pack(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_model_directory_that_the_environment_cannot_move(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CAUSEWAY_MODEL_DIR", str(tmp_path))
    assert default_model_dir() == tmp_path
    monkeypatch.delenv("CAUSEWAY_MODEL_DIR")
    assert default_model_dir() == Path("var/models")
