"""Entries under an endorsement that a lane let through and that its issuer may not have counted yet.

A token says how many entries its endorsement had left when it was issued. Until the receiving authority's receipt has
reached the issuer, further tokens say the same. So a lane remembers what was left after each traveller whom it let
through, and reads every token's number as at most that: no endorsement is used more often at one lane than it allows,
also offline, and nobody is counted twice once the issuer has counted.
"""

from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol

from idp.protocol.travel_rules import Endorsement, local_date


@dataclass(frozen=True)
class Reservation:
    """One entry under ``endorsement`` by the traveller whom ``iss`` calls ``sub``."""

    iss: str
    sub: str
    endorsement: Endorsement

    @property
    def key(self) -> tuple[str, str, str, str, str, str]:
        """What is one endorsement to a lane: issuer, subject, kind, destination, first and last day."""
        found = self.endorsement
        days = found.valid_from.isoformat(), found.valid_to.isoformat()
        return self.iss, self.sub, found.kind, found.destination, *days


class Entries(Protocol):
    """What a lane remembers of entries. Each may raise `Unavailable`."""

    def entries_used(self, iss: str, sub: str, endorsement: Endorsement) -> int:
        """How many of ``entries_left`` were used up here and are not counted in it yet; 0 for an unlimited one."""

    def entered_at(self, iss: str, sub: str, endorsement: Endorsement) -> int:
        """When somebody last passed here under it, seconds since 1970; 0 for never."""


def reservation(iss: str, sub: str, endorsement: Endorsement | None, *, destination: str) -> Reservation | None:
    """What a crossing to ``destination`` uses up; None where nothing is counted."""
    if endorsement is None or endorsement.destination != destination:
        return None
    counted = endorsement.entries_left is not None or endorsement.weekly
    return Reservation(iss, sub, endorsement) if counted else None


def as_remembered(reserved: Reservation, entries: Entries) -> Endorsement:
    """The endorsement with what this lane knows of it: no more entries left, and no earlier a last one."""
    found = reserved.endorsement
    used = entries.entries_used(reserved.iss, reserved.sub, found)
    at = entries.entered_at(reserved.iss, reserved.sub, found)
    left, entered = found.entries_left, found.entered_on
    days = [day for day in (entered, local_date(at) if at else None) if day is not None]
    return replace(
        found, entries_left=None if left is None else max(0, left - used), entered_on=max(days, default=None)
    )


def entry_left(endorsement: Endorsement, on: date) -> bool:
    """Whether it allows one more entry on the day ``on``, by number and by natural week (Monday to Sunday)."""
    entered = endorsement.entered_on
    this_week = entered is not None and entered.isocalendar()[:2] == on.isocalendar()[:2]
    return endorsement.entries_left != 0 and not (endorsement.weekly and this_week)
