"""A licensed pack is a directory of ONNX files; nothing is loaded from it before every file in it was checked.

What the files should be is said by a manifest V2 with SHA-256 (insightface's ``manifest.json``), or by our own record,
which is written when an operator installs or trusts the pack; where both are there, both must hold. A directory with
neither is refused. So is a file that neither names: an ONNX file may draw its weights from a neighbour.

The checks find damage and mistakes. They do not guard against somebody who may write into the directory.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from idp.biometrics.engine.contract import UnableToLoadModel
from idp.biometrics.engine.pack_manifest import MANIFEST, Manifest, read_manifest

RECORD: Final = "causeway-pack.json"
TASKS: Final = ("detection", "recognition")
MAX_FILES: Final = 100  # the largest pack that is published has nine
MAX_RECORD: Final = 1024 * 1024  # bytes
NAME_LENGTH: Final = 51  # of a model's name, which has 64 characters with a hyphen and the digest
DIGEST_LENGTH: Final = 12
LICENCES: Final = ("MODEL.LICENSE", "LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "LICENCE.txt")


@dataclass(frozen=True)
class Pack:
    """A pack whose files are what they should be. ``digest``: SHA-256 of the recognition network, hexadecimal."""

    directory: Path
    model_id: str
    tasks: Mapping[str, str]  # the file of each task, relative
    digest: str
    licence: Path | None

    @property
    def model(self) -> str:
        """The name in templates: two versions of a pack are two models. At most 64 characters."""
        return model_name(self.model_id, self.digest)


def model_name(model_id: str, digest: str) -> str:
    """``model_id``, cut, and the first characters of the SHA-256 of the recognition network."""
    return f"{model_id[:NAME_LENGTH]}-{digest[:DIGEST_LENGTH]}"


def check(directory: Path) -> Pack:
    """Hash every file of the pack in ``directory`` and hold it against manifest and record.

    Raises `UnableToLoadModel`: no directory, a symbolic link out of it, a file that is missing, different or named by
    nobody, nothing that says what the files should be.
    """
    files = contents(directory)
    manifest, record = read_manifest(directory), read_record(directory)
    if record is None and manifest is None:
        raise UnableToLoadModel(f"nothing says what the files in {directory} should be: faces trust {directory}")
    expected = dict(record.digests) if record else {}
    for name, digest in (manifest.digests if manifest else {}).items():
        if digest is None and record is None:
            raise UnableToLoadModel(f"the manifest in {directory} has no SHA-256 of {name}: faces trust {directory}")
        if digest is not None and expected.setdefault(name, digest) != digest:
            raise UnableToLoadModel(f"manifest and record disagree about {name} in {directory}")
    _hold(directory, files, expected, spoken_for=set() if record else _papers(manifest))
    tasks = record.tasks if record else manifest.tasks if manifest else {}
    model_id = record.model_id if record else manifest.model_id if manifest else ""
    if any(tasks.get(task) not in expected for task in TASKS):
        raise UnableToLoadModel(f"the pack in {directory} needs {' and '.join(TASKS)}")
    return Pack(directory, model_id, tasks, expected[tasks["recognition"]], licence_in(directory))


def contents(directory: Path) -> dict[str, Path]:
    """The files below ``directory`` by their relative POSIX name. Raises `UnableToLoadModel` for what is none of them,
    or leads out of the directory."""
    if not directory.is_dir():
        raise UnableToLoadModel(f"{directory} is no directory")
    home, found = directory.resolve(), dict[str, Path]()
    for folder, folders, names in os.walk(home):
        for name in [*folders, *names]:
            path = Path(folder) / name
            if path.is_symlink() and (path.is_dir() or not path.resolve().is_relative_to(home)):
                raise UnableToLoadModel(f"{name} in {directory} is a symbolic link that leads elsewhere")
            if name in names:
                if not path.is_file():
                    raise UnableToLoadModel(f"{name} in {directory} is no regular file")
                found[path.relative_to(home).as_posix()] = path
        if len(found) > MAX_FILES:
            raise UnableToLoadModel(f"{directory} has more than {MAX_FILES} files: this is no pack")
    return found


def addon_file(root: Path) -> Path:
    """Where insightface keeps its add-on against presentation attacks, below the directory of models."""
    return root / "addons" / "liveness.onnx"


def sha256(path: Path) -> str:
    """Hexadecimal, in lower case. Raises `UnableToLoadModel` for a file that cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UnableToLoadModel(f"{path} cannot be read: {error.strerror}") from error


@dataclass(frozen=True)
class Record:
    """What was in the directory when an operator installed or trusted it."""

    model_id: str
    tasks: Mapping[str, str]
    digests: Mapping[str, str]

    def write(self, directory: Path) -> None:
        """Put it into ``directory``, whole or not at all."""
        value = {"model_id": self.model_id, "tasks": dict(self.tasks), "sha256": dict(self.digests)}
        temporary = directory / f".{RECORD}.new"
        temporary.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
        temporary.replace(directory / RECORD)


def read_record(directory: Path) -> Record | None:
    """The record in ``directory``, None where there is none. Raises `UnableToLoadModel` for one that is none."""
    path = directory / RECORD
    if not path.exists():
        return None
    try:
        raw = json.loads(path.read_bytes()[:MAX_RECORD])
        model_id, tasks, digests = raw["model_id"], raw["tasks"], raw["sha256"]
        texts = [model_id, *tasks, *tasks.values(), *digests, *digests.values()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UnableToLoadModel(f"{path} is no record of a pack") from error
    if not model_id or not all(isinstance(text, str) for text in texts):
        raise UnableToLoadModel(f"{path} is no record of a pack")
    return Record(model_id, tasks, digests)


def _hold(directory: Path, files: Mapping[str, Path], expected: Mapping[str, str], *, spoken_for: set[str]) -> None:
    for name in sorted(set(expected) - set(files)):
        raise UnableToLoadModel(f"{name} is missing in {directory}")
    for name in sorted(set(files) - set(expected) - {RECORD} - spoken_for):
        raise UnableToLoadModel(f"{name} in {directory} is named by neither manifest nor record")
    for name, digest in expected.items():
        if sha256(files[name]) != digest:
            raise UnableToLoadModel(f"{name} in {directory} is not the file that it should be: its SHA-256 differs")


def _papers(manifest: Manifest | None) -> set[str]:
    """Files that a pack without a record may have besides its networks; none of them is loaded."""
    return {MANIFEST, *LICENCES, *([manifest.licence] if manifest else [])}


def licence_in(directory: Path) -> Path | None:
    """The file with the pack's licence: the manifest's, or one of the usual names."""
    manifest = read_manifest(directory)
    candidates = [*([manifest.licence] if manifest else []), *LICENCES]
    return next((directory / name for name in candidates if (directory / name).is_file()), None)
