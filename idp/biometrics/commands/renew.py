"""Enrol travellers anew, from the register's portraits, under the models that are wanted."""

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import OutputWrapper

from idp import clock
from idp.biometrics import outdated, wanted


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--at-most", type=int, default=outdated.BATCH, help="jobs that may be open at a time")


def handle(out: OutputWrapper, options: Mapping[str, Any]) -> None:
    """One batch; the periodic task begins the next ones by itself."""
    now = clock.now()
    out.write(f"wanted: {', '.join(wanted.models(now=now)) or 'no model'}")
    left = outdated.left(now=now)
    begun = outdated.begin_due(now=now, at_most=options["at_most"])
    out.write(f"{left} references are missing, {begun} renewals begun")
