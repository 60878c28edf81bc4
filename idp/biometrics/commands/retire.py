"""Destroy all references of a model that is no longer used."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError, OutputWrapper

from idp import clock
from idp.biometrics import retiring


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("model")
    parser.add_argument("--force", action="store_true", help="also where somebody still needs it")


def handle(out: OutputWrapper, options: Mapping[str, Any]) -> None:
    """Raises CommandError, with the reasons, where the model is still needed."""
    try:
        count = retiring.retire(model=options["model"], officer="console", now=clock.now(), force=options["force"])
    except retiring.UnableToRetire as error:
        raise CommandError(f"not retired: {error}") from error
    out.write(f"{count} references destroyed")
