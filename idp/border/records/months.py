"""Calendar months, as the law and the officers count them: those of Hong Kong, Macau and the mainland, at UTC+8.

The three have one time and none has changed it since 1992, so a month's bounds are the same second for everybody. In
UTC the first eight hours of a month, a morning's rush hour, would lie in the month before.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

ZONE = timezone(timedelta(hours=8))
_LAST = datetime(9999, 1, 1, tzinfo=UTC).timestamp()  # what a calendar can say


@dataclass(frozen=True, order=True)
class Month:
    """A calendar month; ordered by time, and written 2026-11."""

    year: int
    number: int

    @classmethod
    def of(cls, at: int) -> "Month":
        """The month of ``at``, seconds since 1970; of a time beyond all calendars the last one."""
        day = datetime.fromtimestamp(min(at, _LAST), ZONE)
        return cls(day.year, day.month)

    def shifted(self, months: int) -> "Month":
        """The month that is so many later; earlier where ``months`` is negative."""
        years, number = divmod(self.number - 1 + months, 12)
        return Month(self.year + years, number + 1)

    @property
    def begin(self) -> int:
        """Its first second, since 1970."""
        return int(datetime(self.year, self.number, 1, tzinfo=ZONE).timestamp())

    @property
    def end(self) -> int:
        """The first second after it."""
        return self.shifted(1).begin

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"
