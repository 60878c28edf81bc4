"""compare books with a peer's, which it states now or stated in a file; says what disagrees"""

from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError, OutputWrapper

from idp import clock
from idp.border import reconciling
from idp.border.commands import period
from idp.protocol.refusals import Refusal, Unavailable


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("source", metavar="FILE_OR_PEER", help="a file of statements, or a peer's entity identifier")
    parser.add_argument("--keep", type=Path, help="write what the peer stated to this file")
    period.add_arguments(parser)


def handle(out: OutputWrapper, options: Mapping[str, Any]) -> None:
    """One disagreement a line, and exit status 1; or how many receipts agree."""
    now = clock.now()
    try:
        pages = _pages(options, now=now)
        result = reconciling.compare(pages=pages, now=now)
    except (Refusal, Unavailable, OSError, UnicodeDecodeError) as error:
        raise CommandError(str(error), returncode=2) from error
    for item in result.disagreements:
        out.write(str(item))
    if result.disagreements:
        raise CommandError(f"{len(result.disagreements)} disagree, {result.agreed} receipts agree")
    out.write(f"{result.agreed} receipts agree")


def _pages(options: Mapping[str, Any], *, now: int) -> list[str]:
    if not options["source"].startswith(("https://", "http://")):
        return Path(options["source"]).read_text("ascii").split()
    since, until = period.read(options, now=now)
    pages = list(reconciling.fetch(peer=options["source"], since=since, until=until, now=now))
    if options["keep"] is not None:
        options["keep"].write_text("".join(f"{page}\n" for page in pages), "ascii")
    return pages
