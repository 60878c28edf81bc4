"""Periods: whole days at UTC+8, cut into parts without a gap, and nothing asked for that brings the page down."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.office.dashboards.periods import DAY, LONGEST, Period, PeriodForm, around
from tests.conftest import NOW

DAYS = st.dates(date(2000, 1, 1), date(2099, 11, 30))
TODAY = date(2027, 1, 15)


@given(day=DAYS, length=st.integers(0, LONGEST))
def test_a_part_is_missing_or_begins_at_another_time(day: date, length: int) -> None:
    """The first hour of a day of Hong Kong is the sixteenth of the day before in UTC."""
    period = Period(day, day + timedelta(days=length))
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=8)
    assert (period.since, period.until) == (int(begin.timestamp()), int(begin.timestamp()) + (length + 1) * DAY)
    assert len(period.parts) == len(period.short_parts) == (period.until - period.since) // period.step
    assert len(set(period.parts)) == len(period.parts)
    assert period.parts[0].startswith(f"{period.first}") and period.parts[-1].startswith(f"{period.last}")


@given(day=DAYS)
def test_a_week_or_month_is_another_than_the_calendars(day: date) -> None:
    week, month = around("week", day), around("month", day)
    assert (week.first.weekday(), week.days) == (0, 7) and week.first <= day <= week.last
    assert (month.first.day, (month.last + timedelta(days=1)).day) == (1, 1) and month.first <= day <= month.last
    assert month.first.month == month.last.month


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, Period(TODAY, TODAY)),
        ({"span": "day", "on": "2026-12-31"}, Period(date(2026, 12, 31), date(2026, 12, 31))),
        ({"span": "month", "on": ""}, Period(date(2027, 1, 1), date(2027, 1, 31))),
        ({"span": "range", "first": "2026-12-31", "last": "2027-01-01"}, Period(date(2026, 12, 31), date(2027, 1, 1))),
        ({"span": "range", "first": "2026-12-31", "last": "2026-12-30"}, Period(TODAY, TODAY)),
        ({"span": "range", "first": "2001-01-01"}, Period(TODAY, TODAY)),
        ({"span": "month", "on": "9999-12-31"}, Period(TODAY, TODAY)),
        ({"span": "day", "on": "0001-01-01"}, Period(TODAY, TODAY)),
        ({"span": "year"}, Period(TODAY, TODAY)),
    ],
    ids=["nothing", "day", "month", "range", "backwards", "too-long", "no-calendar", "before-time", "unknown"],
)
def test_what_is_asked_is_misread(asked: dict[str, str], found: Period) -> None:
    assert PeriodForm(asked or None, now=NOW).period() == found
