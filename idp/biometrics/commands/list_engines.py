"""The engines that the settings name, with model, digest and licence."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import OutputWrapper

from idp.biometrics import engines
from idp.biometrics.engine import EMBEDDED, EMBEDDED_MODEL, UnableToLoadModel
from idp.biometrics.engine.pack import addon_file
from idp.conf import authority


def add_arguments(parser: ArgumentParser) -> None:
    """There are none."""


def handle(out: OutputWrapper, options: Mapping[str, Any]) -> None:
    """One engine a line, preferred first; a pack that is damaged says why in place of its model. Loads no network."""
    node = authority()
    there = addon_file(node.model_dir).is_file()
    out.write(f"providers: {', '.join(node.face_providers)}; add-on for liveness: {'installed' if there else 'none'}")
    for name in node.face_engines:
        out.write(_line(name))


def _line(name: str) -> str:
    if name == EMBEDDED:
        return f"{EMBEDDED_MODEL}  embedded, for trying only; CC0"
    try:
        pack = engines.pack(name)
    except UnableToLoadModel as error:
        return f"NOT USED  {name}  {error}"
    return f"{pack.model}  {name}  sha256:{pack.digest}  licence: {pack.licence or 'no text in the pack'}"
