"""Nobody installs a pack without having been shown on what terms it may be used."""

import sys
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, OutputWrapper

NOTICE = (
    "insightface's own packs, and what was trained on them, are for non-commercial research only. "
    "An authority needs a licence of the maker's for anything else."
)
MAX_TEXT = 20_000  # characters shown of a licence; the rest is in the file
QUESTION = "Does the authority accept these terms? [y/N] "


def add_argument(parser: ArgumentParser) -> None:
    parser.add_argument("--accept-licence", action="store_true", help="for scripts: the terms are known and accepted")


def accept(out: OutputWrapper, text: Path | None, options: Mapping[str, Any]) -> None:
    """Show the licence in the file ``text``, or that there is none, and ask. Raises CommandError for no."""
    if text is None:
        out.write(f"There is no licence text. {NOTICE}")
    else:
        out.write(f"{text.name}:\n{_shown(text)}\n\n{NOTICE}")
    if options["accept_licence"]:
        return
    if not sys.stdin.isatty():
        raise CommandError("the terms were not accepted: run it on a terminal, or with --accept-licence")
    if input(QUESTION).strip().lower() not in ("y", "yes"):
        raise CommandError("the terms were not accepted; nothing was installed")


def _shown(text: Path) -> str:
    """Control characters would let a licence draw over the question."""
    read = text.read_bytes()[: MAX_TEXT * 4].decode("utf-8", "replace")[:MAX_TEXT]
    return "".join(one if one.isprintable() or one == "\n" else " " for one in read)
