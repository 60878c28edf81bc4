"""Hash a pack's files, and load it as the engine would."""

from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, OutputWrapper

from idp.biometrics.engine import UnableToLoadModel, load_engine
from idp.biometrics.engine.pack import check
from idp.conf import authority


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("directory", type=Path)


def handle(out: OutputWrapper, options: Mapping[str, Any]) -> None:
    """Raises CommandError for a pack that the engine would not take."""
    node, directory = authority(), options["directory"]
    try:
        pack = check(directory)
        engine = load_engine(directory, model_dir=node.model_dir, providers=node.face_providers)
    except UnableToLoadModel as error:
        raise CommandError(str(error)) from error
    for task, name in pack.tasks.items():
        out.write(f"{task}: {name}")
    out.write(f"sha256 of the recognition network: {pack.digest}")
    out.write(f"licence: {pack.licence or 'no text in the pack'}")
    out.write(f"model: {engine.model}")
