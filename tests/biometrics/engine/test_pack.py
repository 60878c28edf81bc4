"""A pack's files are what manifest or record say, all of them and no others, or nothing is loaded."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.biometrics.engine import UnableToLoadModel, load_engine, model_of
from idp.biometrics.engine.pack import RECORD, Record, check, contents, model_name, read_record, sha256
from idp.biometrics.engine.pack_manifest import read_manifest

from . import packs

TASKS = {"detection": "detection.onnx", "recognition": "recognition.onnx"}


@pytest.fixture
def made(tmp_path: Path) -> Path:
    return packs.write(tmp_path / "made")


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """Without a manifest, as most packs are."""
    return packs.write(tmp_path / "bare", manifest=False)


def trusted(directory: Path, **tasks: str) -> Path:
    digests = {name: sha256(path) for name, path in contents(directory).items() if name != RECORD}
    Record("bare", TASKS | tasks, digests).write(directory)
    return directory


def changed(directory: Path, **changes: Any) -> Path:
    path = directory / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return directory


def test_a_sound_pack_refused(made: Path, bare: Path) -> None:
    by_manifest, by_record = check(made), check(trusted(bare))
    assert by_manifest.tasks == by_record.tasks == TASKS
    assert by_manifest.digest == by_record.digest == packs.digest(packs.recogniser())
    assert by_manifest.licence == made / "MODEL.LICENSE"
    assert by_record.licence is None
    assert model_of(made) == f"tiny-{by_manifest.digest[:12]}"


def test_a_pack_that_nothing_vouches_for(bare: Path) -> None:
    with pytest.raises(UnableToLoadModel, match="faces trust"):
        check(bare)


def test_a_manifest_without_a_digest_that_is_believed(tmp_path: Path) -> None:
    tasks = {task: {"file": name} for task, name in TASKS.items()}
    made = packs.write(tmp_path / "made", tasks=tasks)
    with pytest.raises(UnableToLoadModel, match=r"no SHA-256 of detection\.onnx"):
        check(made)
    assert check(trusted(made)).model_id == "bare"


@pytest.mark.parametrize("name", sorted(TASKS.values()))
def test_a_network_that_was_exchanged(made: Path, bare: Path, name: str) -> None:
    trusted(bare)
    for directory in (made, bare):
        (directory / name).write_bytes(packs.recogniser(7))
        with pytest.raises(UnableToLoadModel, match=f"{name} in .* SHA-256 differs"):
            load_engine(directory, model_dir=directory.parent)


@pytest.mark.parametrize("name", sorted(TASKS.values()))
def test_a_network_that_is_missing(made: Path, bare: Path, name: str) -> None:
    trusted(bare)
    for directory in (made, bare):
        (directory / name).unlink()
        with pytest.raises(UnableToLoadModel, match=f"{name} is missing"):
            check(directory)


@pytest.mark.parametrize("name", ["weights.data", "zz.onnx", "below/x.onnx", ".hidden"])
def test_a_file_that_nothing_names(made: Path, bare: Path, name: str) -> None:
    """A network may take its weights from a neighbour, and without a manifest every network there is opened."""
    trusted(bare)
    for directory in (made, bare):
        path = directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"\0")
        with pytest.raises(UnableToLoadModel, match="named by neither"):
            check(directory)


def test_a_record_that_lets_another_manifest_stand(made: Path) -> None:
    trusted(made)
    changed(made, display_name="another")
    with pytest.raises(UnableToLoadModel, match=r"manifest.json .* SHA-256 differs"):
        check(made)


def test_a_record_that_disagrees_with_the_manifest(made: Path) -> None:
    tasks = {task: {"file": name, "sha256": "0" * 64} for task, name in TASKS.items()}
    trusted(changed(made, tasks=tasks))
    with pytest.raises(UnableToLoadModel, match="disagree about"):
        check(made)


def test_a_pack_that_only_finds_faces(tmp_path: Path) -> None:
    tasks = {"detection": {"file": "detection.onnx", "sha256": packs.digest(packs.detector())}}
    made = packs.write(tmp_path / "made", tasks=tasks)
    (made / "recognition.onnx").unlink()
    with pytest.raises(UnableToLoadModel, match="detection and recognition"):
        check(made)


def test_a_link_out_of_the_directory(made: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.onnx"
    (made / "recognition.onnx").rename(outside)
    (made / "recognition.onnx").symlink_to(outside)
    with pytest.raises(UnableToLoadModel, match="symbolic link"):
        check(made)


@pytest.mark.parametrize("target", ["..", "."])
def test_a_folder_that_is_a_link(made: Path, target: str) -> None:
    (made / "below").symlink_to(target, target_is_directory=True)
    with pytest.raises(UnableToLoadModel, match="symbolic link"):
        check(made)


def test_a_link_within_the_directory_refused(bare: Path) -> None:
    (bare / "recognition.onnx").rename(bare / "blob")
    (bare / "recognition.onnx").symlink_to("blob")
    assert check(trusted(bare)).digest == packs.digest(packs.recogniser())


def test_two_versions_of_a_pack_taken_for_one_model(tmp_path: Path) -> None:
    one, two = (model_of(packs.write(tmp_path / str(seed), seed=seed)) for seed in (0, 1))
    assert one != two
    assert model_of(packs.write(tmp_path / "again")) == one


def test_a_model_name_that_no_column_holds() -> None:
    assert len(model_name("m" * 128, "f" * 64)) == 64


@pytest.mark.parametrize("file", ["../x.onnx", "/etc/passwd", "a\\b.onnx", "./x.onnx", "a/../x.onnx", ""])
def test_a_manifest_that_names_a_file_elsewhere(made: Path, file: str) -> None:
    changed(made, tasks={"detection": {"file": file, "sha256": "0" * 64}})
    with pytest.raises(UnableToLoadModel, match=r"no manifest V2: .* is no plain relative name"):
        check(made)


@pytest.mark.parametrize("version", [1, 3, "2", 2.0, True, None])
def test_another_manifest_believed(made: Path, version: object) -> None:
    with pytest.raises(UnableToLoadModel, match="faces trust"):
        check(changed(made, manifest_version=version))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"model_id": "a", "tasks": [], "sha256": {}}', '{"model_id": ""}'])
def test_a_record_that_is_none(bare: Path, text: str) -> None:
    (bare / RECORD).write_text(text)
    with pytest.raises(UnableToLoadModel, match="no record of a pack"):
        read_record(bare)


def test_a_directory_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(UnableToLoadModel, match="no directory"):
        check(tmp_path / "nowhere")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(tasks=json_values, model_id=json_values, licence=json_values)
def test_a_manifest_that_ends_in_another_error(
    tmp_path_factory: pytest.TempPathFactory, tasks: object, model_id: object, licence: object
) -> None:
    folder = tmp_path_factory.mktemp("any")
    value = {"manifest_version": 2, "tasks": tasks, "model_id": model_id, "license": licence}
    (folder / "manifest.json").write_text(json.dumps(value))
    try:
        read = read_manifest(folder)
    except UnableToLoadModel:
        return
    assert read is not None and isinstance(read.model_id, str)
