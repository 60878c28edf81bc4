"""What travel rules look at: a traveller's document, an endorsement on it, and one crossing. Days are Hong Kong's.

The three territories share Hong Kong's time (UTC+8, no summer time). What a token does not tell is None: it was for the
token's issuer to check, and no rule holds it against the traveller.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import cached_property
from typing import Any

from idp.protocol import strict_json
from idp.protocol.refusals import Reason, Refusal

HONG_KONG = timezone(timedelta(hours=8), "Asia/Hong_Kong")
MAX_STAY = 3660  # days

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")  # fromisoformat reads week dates too

Leg = tuple[str, str]


@dataclass(frozen=True)
class Endorsement:
    """An endorsement as a token carries it. What is not known is None."""

    kind: str
    destination: str
    valid_from: date
    valid_to: date
    entries_left: int | None  # None: unlimited
    stay_days: int | None
    weekly: bool = False  # one entry in each natural week, Monday to Sunday
    entered_on: date | None = None  # the last entry made under it
    first_entered_on: date | None = None
    place: str | None = None  # where it was issued, in the issuing system's code; never in a token

    @property
    def days(self) -> int:
        """How long it is valid, in days."""
        return (self.valid_to - self.valid_from).days


@dataclass(frozen=True)
class TravelFacts:
    """What is known of the traveller."""

    document_type: str
    document_number: str
    issuer: str | None  # jurisdiction of the token's issuer; None: not known
    document_expires: date | None
    birth_date: date
    endorsement: Endorsement | None
    stay_days: int | None
    guardian: str | None
    nationality: str | None = None
    residence: str | None = None  # "permanent" or "temporary", of the territory that issued the document


@dataclass(frozen=True)
class Crossing:
    """One side of one leg: ``direction`` "exit" from the origin, or "entry" to the destination."""

    direction: str
    origin: str
    destination: str
    on: date
    checkpoint: str = ""  # entity id; empty: not known

    @cached_property
    def leg(self) -> Leg:
        return self.origin, self.destination

    @cached_property
    def names(self) -> frozenset[str]:
        """What a rule may call the checkpoint: its entity id, or the code in which that ends."""
        return frozenset({self.checkpoint, self.checkpoint.rpartition("/")[2]})

    @cached_property
    def authority(self) -> str:
        """The jurisdiction whose gate it is."""
        return self.origin if self.direction == "exit" else self.destination


def local_date(now: int) -> date:
    """The day in Hong Kong at ``now`` (seconds since 1970)."""
    return datetime.fromtimestamp(now, HONG_KONG).date()


def day(value: object) -> date:
    """A day from "YYYY-MM-DD" and no other spelling; raises `Refusal` (malformed)."""
    if not isinstance(value, str) or not _DAY.match(value):
        raise Refusal(Reason.MALFORMED, "not a day as YYYY-MM-DD")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise Refusal(Reason.MALFORMED, "a day that no calendar has") from error


def age(birth: date, on: date) -> int:
    """Whole years lived on the day ``on``."""
    return on.year - birth.year - ((on.month, on.day) < (birth.month, birth.day))


def later(start: date, days: int) -> date:
    """``days`` after ``start``; the calendar's last day where it has none so late."""
    return start + timedelta(days=min(days, (date.max - start).days))


def same_week(one: date, other: date) -> bool:
    """Whether two days lie in one natural week, Monday to Sunday (ISO 8601)."""
    return one.isocalendar()[:2] == other.isocalendar()[:2]


def parse_endorsement(value: object) -> Endorsement | None:
    """Read an endorsement as sealed in a token (None stays None); raises `Refusal` (malformed)."""
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise Refusal(Reason.MALFORMED, "an endorsement is not an object")
    return Endorsement(
        kind=strict_json.string(value, "kind", max_length=16),
        destination=strict_json.string(value, "destination", max_length=3),
        valid_from=day(value.get("valid_from")),
        valid_to=day(value.get("valid_to")),
        entries_left=_optional_integer(value, "entries_left"),
        stay_days=_optional_integer(value, "stay_days"),
        weekly=_flag(value, "weekly"),
        entered_on=_optional_day(value, "entered_on"),
        first_entered_on=_optional_day(value, "first_entered_on"),
    )


def _optional_day(value: Mapping[str, Any], name: str) -> date | None:
    return None if value.get(name) is None else day(value[name])


def _optional_integer(value: Mapping[str, Any], name: str) -> int | None:
    if value.get(name) is None:
        return None
    number = strict_json.integer(value, name)
    if number > MAX_STAY:
        raise Refusal(Reason.MALFORMED, f"{name} is beyond any use")
    return number


def _flag(value: Mapping[str, Any], name: str) -> bool:
    flag = value.get(name)
    if flag is not None and not isinstance(flag, bool):
        raise Refusal(Reason.MALFORMED, f"{name} is not a boolean")
    return flag is True
