"""The period that a command is about: whole days in Hong Kong."""

import datetime
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from idp.protocol.travel_rules import HONG_KONG, local_date

DAYS = 7  # until today, where nothing is said: today's receipts are still on their way


def add_arguments(parser: ArgumentParser) -> None:
    day = datetime.date.fromisoformat
    parser.add_argument("--since", type=day, help=f"first day, YYYY-MM-DD; {DAYS} days before --until otherwise")
    parser.add_argument("--until", type=day, help="the day after the last; today otherwise")


def read(options: Mapping[str, Any], *, now: int) -> tuple[int, int]:
    """Begin and end, seconds since 1970."""
    until = options["until"] or local_date(now)
    since = options["since"] or until - datetime.timedelta(days=DAYS)
    return _midnight(since), _midnight(until)


def _midnight(day: datetime.date) -> int:
    return int(datetime.datetime.combine(day, datetime.time(), HONG_KONG).timestamp())
