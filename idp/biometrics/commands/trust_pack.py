"""Record the SHA-256 of each file of a pack where it lies; whoever runs this vouches for where it came from."""

from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, OutputWrapper
from django.db import transaction

from idp.audit import events
from idp.biometrics.commands import licence
from idp.biometrics.engine import UnableToLoadModel
from idp.biometrics.engine.pack import licence_in
from idp.biometrics.engine.pack_taking import take
from idp.conf import authority


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("directory", type=Path)
    parser.add_argument("--officer", default="console")
    licence.add_argument(parser)


def handle(out: OutputWrapper, options: Mapping[str, Any]) -> None:
    """Raises CommandError for a pack that insightface does not load, or whose manifest says otherwise."""
    directory = options["directory"]
    try:
        licence.accept(out, licence_in(directory), options)
        with transaction.atomic():
            pack = take(directory, name=directory.resolve().name, root=authority().model_dir)
            data = {"sha256": pack.digest}
            events.record(kind="face_pack.trusted", actor=options["officer"], subject=pack.model, data=data)
    except (UnableToLoadModel, OSError) as error:
        raise CommandError(str(error)) from error
    out.write(f"{pack.model}\nCAUSEWAY_FACE_ENGINES={directory.resolve()}")
