"""write what this node's books say of the crossings shared with a peer, signed, to a file for that peer"""

from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.core.management.base import OutputWrapper

from idp import clock
from idp.border import reconciling
from idp.border.commands import period


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("peer", help="the peer's entity identifier")
    parser.add_argument("--out", type=Path, required=True)
    period.add_arguments(parser)


def handle(out: OutputWrapper, options: Mapping[str, Any]) -> None:
    """One signed page a line."""
    now = clock.now()
    since, until = period.read(options, now=now)
    pages = reconciling.state_all(peer=options["peer"], since=since, until=until, now=now)
    with options["out"].open("w", encoding="ascii") as file:
        file.writelines(f"{page}\n" for page in pages)
    out.write(f"{options['out']}: for {options['peer']}, who compares it by border reconcile")
