"""Fetch a pack by insightface's name, or copy a directory, into CAUSEWAY_MODEL_DIR; nothing else downloads."""

import re
import shutil
import tempfile
import zipfile
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests
from django.core.management.base import CommandError, OutputWrapper
from django.db import transaction

from idp.audit import events
from idp.biometrics.commands import licence
from idp.biometrics.engine import UnableToLoadModel
from idp.biometrics.engine.pack import RECORD, Pack, contents, licence_in
from idp.biometrics.engine.pack_taking import take
from idp.conf import authority

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")
ADDON = "liveness"
FOLDER = "models"  # where insightface keeps packs, so that its own tools find them too


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("source", metavar="NAME|DIRECTORY", help="buffalo_l, ./our-pack, or the add-on liveness")
    parser.add_argument("--officer", default="console")
    licence.add_argument(parser)


def handle(out: OutputWrapper, options: Mapping[str, Any]) -> None:
    """The pack is there whole, with the SHA-256 of each file recorded, or nothing is. Raises CommandError."""
    root, source = authority().model_dir, options["source"]
    try:
        if source == ADDON:
            _addon(out, root, options)
        else:
            _pack(out, root, source, options)
    except (UnableToLoadModel, requests.RequestException, zipfile.BadZipFile, RuntimeError, OSError) as error:
        raise CommandError(f"{source} was not installed, and nothing is left of it: {error}") from error


def _pack(out: OutputWrapper, root: Path, source: str, options: Mapping[str, Any]) -> None:
    directory = Path(source)
    name = directory.resolve().name if directory.is_dir() else source
    if not NAME.match(name):
        raise CommandError(f"{name!r} is no name for a pack: letters, digits, dot, hyphen and underscore")
    destination = root / FOLDER / name
    if destination.exists():
        raise CommandError(f"{destination} is there already: remove it first")
    destination.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root, prefix=".installing-") as staging:
        if directory.is_dir():
            fetched = _copied(out, directory, Path(staging), options)
        else:
            fetched = _downloaded(out, name, Path(staging), options)
        pack = take(fetched, name=name, root=root)
        _settle(pack, fetched, destination, officer=options["officer"])
    out.write(f"{pack.model} is in {destination}\nCAUSEWAY_FACE_ENGINES={destination}")


def _copied(out: OutputWrapper, directory: Path, staging: Path, options: Mapping[str, Any]) -> Path:
    files = contents(directory)
    licence.accept(out, licence_in(directory), options)
    for name, path in files.items():
        target = staging / "pack" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if name != RECORD:
            shutil.copyfile(path, target)
    return staging / "pack"


def _downloaded(out: OutputWrapper, name: str, staging: Path, options: Mapping[str, Any]) -> Path:
    from insightface.utils.storage import download

    licence.accept(out, None, options)
    found = Path(download(FOLDER, name, root=str(staging)))
    inner = list(found.iterdir())
    if len(inner) == 1 and inner[0].is_dir():  # an archive that holds a folder
        found = inner[0]
    text = licence_in(found)
    if text is not None:
        licence.accept(out, text, options)
    return found


def _settle(pack: Pack, fetched: Path, destination: Path, *, officer: str) -> None:
    """One rename; the audit event is undone where it fails."""
    with transaction.atomic():
        events.record(kind="face_pack.installed", actor=officer, subject=pack.model, data={"sha256": pack.digest})
        fetched.rename(destination)


def _addon(out: OutputWrapper, root: Path, options: Mapping[str, Any]) -> None:
    """insightface holds its SHA-256, and puts the file in place whole."""
    from insightface.addons import ADDON_CATALOG, ensure_addon

    licence.accept(out, None, options)
    path = ensure_addon(ADDON, root=root)
    with transaction.atomic():
        digest = ADDON_CATALOG[ADDON].sha256
        events.record(kind="face_pack.installed", actor=options["officer"], subject=ADDON, data={"sha256": digest})
    out.write(f"{ADDON} is in {path}; every pack uses it from the next start")
