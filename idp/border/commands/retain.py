"""let go of what the law does not let the border keep any longer"""

from argparse import ArgumentParser
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.core.management.base import OutputWrapper

from idp import clock
from idp.border.records import retention


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="say what is due, and do nothing")


def handle(out: OutputWrapper, options: Mapping[str, Any]) -> None:
    """One line for each kind of what was let go of."""
    found = retention.retain(now=clock.now(), dry=options["dry_run"])
    for name, count in asdict(found).items():
        out.write(f"{name} {count}")
