"""What is read of insightface's manifest V2 before anything is loaded; insightface itself reads and checks all of it.

It is read here too because a web server names its models without loading a network, and because a digest that
insightface takes for optional is not optional here.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from idp.biometrics.engine.contract import UnableToLoadModel

MANIFEST: Final = "manifest.json"
VERSION: Final = 2
MAX_BYTES: Final = 1024 * 1024
MODEL_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")
SHA256: Final = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(frozen=True)
class Manifest:
    """``tasks``: file by task; ``digests``: SHA-256 by file, None where the manifest gives none. Names are relative."""

    model_id: str
    tasks: Mapping[str, str]
    digests: Mapping[str, str | None]
    licence: str


def read_manifest(directory: Path) -> Manifest | None:
    """The manifest in ``directory``; None where there is none or it is no V2: insightface then goes by the shapes of
    the networks. Raises `UnableToLoadModel` for a V2 that cannot be."""
    path = directory / MANIFEST
    try:
        raw = json.loads(path.read_bytes()[:MAX_BYTES])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise UnableToLoadModel(f"{path} cannot be read") from error
    if not isinstance(raw, dict) or type(raw.get("manifest_version")) is not int or raw["manifest_version"] != VERSION:
        return None
    try:
        return _parse(raw)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UnableToLoadModel(f"{path} is no manifest V2: {error}") from error


def _parse(raw: Mapping[str, Any]) -> Manifest:
    model_id = raw["model_id"]
    if not MODEL_ID.match(model_id):
        raise ValueError("model_id")
    tasks = {str(task): _relative(one["file"]) for task, one in raw["tasks"].items()}
    digests: dict[str, str | None] = {}
    for task, one in raw["tasks"].items():
        digest = one.get("sha256")
        if digest is not None and not SHA256.match(digest):
            raise ValueError(f"tasks.{task}.sha256")
        if tasks[task] in digests:
            raise ValueError(f"tasks.{task}.file names the file of another task")
        digests[tasks[task]] = digest
    return Manifest(model_id, tasks, digests, _relative(raw["license"]))


def _relative(name: str) -> str:
    path = PurePosixPath(name)
    if path.is_absolute() or "\\" in name or "\0" in name or ".." in path.parts or path.as_posix() != name:
        raise ValueError(f"{name!r} is no plain relative name")
    return name
