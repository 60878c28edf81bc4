"""Months begin at midnight where the gates stand."""

import datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from idp.border.records.months import Month

TIMES = st.integers(1_000_000_000, 4_000_000_000)


@given(TIMES)
def test_a_time_lies_in_its_month_and_in_no_other(at: int) -> None:
    """A second between two months would have no partition; one in two would be in neither."""
    month = Month.of(at)
    assert month.begin <= at < month.end
    assert month.shifted(-1).end == month.begin and month.shifted(1).begin == month.end


@given(TIMES)
def test_the_month_is_that_of_the_calendar_in_hong_kong(at: int) -> None:
    """In UTC the first morning of a month would count as the last night of the one before."""
    day = datetime.datetime.fromtimestamp(at, ZoneInfo("Asia/Hong_Kong"))
    assert str(Month.of(at)) == day.strftime("%Y-%m")


@given(TIMES, st.integers(-200, 200))
def test_months_are_counted_over_years(at: int, count: int) -> None:
    month = Month.of(at)
    other = month.shifted(count)
    assert other.shifted(-count) == month and 1 <= other.number <= 12
    assert (count > 0) == (other > month)


def test_a_time_beyond_all_calendars_has_a_month() -> None:
    """A lane's clock says what it likes: 2^53 is a time, too, and no reason to fail."""
    assert Month.of(2**53 - 1) == Month(9999, 1)
