"""When a checkpoint is open: data of the trust bundle, and one pure function.

A list of ``{"days": [1..7], "from": "06:30", "until": "24:00"}`` in Hong Kong time (ISO 8601 weekdays, Monday 1). A
period whose ``until`` is not later than its ``from`` runs past midnight. An empty list: open day and night.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from idp.protocol.refusals import Reason, Refusal
from idp.protocol.travel_rules import HONG_KONG

MAX_PERIODS = 64
DAY = 24 * 60  # minutes

_TIME = re.compile(r"(?:([01][0-9]|2[0-3]):([0-5][0-9])|(24):(00))\Z", re.ASCII)


@dataclass(frozen=True)
class Period:
    """Open on the weekdays ``days`` from ``opens`` until before ``closes``, in minutes after midnight."""

    days: frozenset[int]
    opens: int
    closes: int


def parse_opening(value: object) -> tuple[Period, ...]:
    """Read the ``opening`` list; raises `Refusal` (malformed)."""
    if not isinstance(value, list) or len(value) > MAX_PERIODS:
        raise Refusal(Reason.MALFORMED, f"opening is a list of at most {MAX_PERIODS} periods")
    return tuple(_period(item) for item in value)


def is_open(periods: Sequence[Period], *, now: int) -> bool:
    """Whether the checkpoint is open at ``now`` (seconds since 1970)."""
    if not periods:
        return True
    local = datetime.fromtimestamp(now, HONG_KONG)
    today, minute = local.isoweekday(), local.hour * 60 + local.minute
    yesterday = (today + 5) % 7 + 1
    return any(
        (today in period.days and period.opens <= minute < period.closes)
        or (yesterday in period.days and minute + DAY < period.closes)
        for period in periods
    )


def _period(value: object) -> Period:
    days = value.get("days") if isinstance(value, Mapping) else None
    if not isinstance(value, Mapping) or not isinstance(days, list) or not days:
        raise Refusal(Reason.MALFORMED, "an opening period without days")
    if not all(isinstance(number, int) and not isinstance(number, bool) and 1 <= number <= 7 for number in days):
        raise Refusal(Reason.MALFORMED, "a weekday is 1 to 7")
    opens, closes = _minutes(value.get("from")), _minutes(value.get("until"))
    return Period(frozenset(days), opens, closes if closes > opens else closes + DAY)


def _minutes(value: object) -> int:
    match = _TIME.match(value) if isinstance(value, str) else None
    if match is None:
        raise Refusal(Reason.MALFORMED, "not a time as HH:MM")
    hours, minutes = (match[1], match[2]) if match[1] else (match[3], match[4])
    return int(hours) * 60 + int(minutes)
