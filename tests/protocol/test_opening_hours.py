"""Opening hours: in Hong Kong's time, across midnight, and open day and night when nothing is said."""

from typing import Any

import pytest

from idp.protocol.opening_hours import is_open, parse_opening
from idp.protocol.refusals import Refusal

FRIDAY_16 = 1_800_000_000  # Friday 2027-01-15, 16:00 in Hong Kong
HOUR, DAY = 3_600, 86_400


def opens(days: list[int], begins: str, until: str, *, now: int = FRIDAY_16) -> bool:
    return is_open(parse_opening([{"days": days, "from": begins, "until": until}]), now=now)


@pytest.mark.parametrize(
    ("days", "begins", "until", "expected"),
    [
        ([5], "06:30", "24:00", True),
        ([5], "16:00", "16:01", True),
        ([5], "15:00", "16:00", False),
        ([5], "16:01", "18:00", False),
        ([4, 6], "06:30", "24:00", False),
        ([5], "00:00", "00:00", True),
    ],
)
def test_hours_of_the_day(days: list[int], begins: str, until: str, expected: bool) -> None:
    """A minute or a weekday counted wrongly closes a checkpoint that is open."""
    assert opens(days, begins, until) is expected


def test_hours_past_midnight_belong_to_the_day_before() -> None:
    """22:00 to 02:00 on Friday is open early on Saturday and closed early on Friday."""
    expected = {23: True, 24: True, 25: True, 26: False, 21: False, 0: False, 1: False}
    for hour, is_it in expected.items():
        assert opens([5], "22:00", "02:00", now=FRIDAY_16 + (hour - 16) * HOUR) is is_it, hour


def test_sunday_night_runs_into_monday() -> None:
    """The week wraps round: ISO weekday 7 is followed by 1."""
    assert opens([7], "22:00", "02:00", now=FRIDAY_16 + 2 * DAY + 9 * HOUR)


def test_nothing_said_is_open() -> None:
    """A checkpoint without hours never closes."""
    assert is_open((), now=FRIDAY_16)


@pytest.mark.parametrize(
    "period",
    [
        {},
        [],
        {"days": [], "from": "06:30", "until": "24:00"},
        {"days": [0], "from": "06:30", "until": "24:00"},
        {"days": [8], "from": "06:30", "until": "24:00"},
        {"days": [True], "from": "06:30", "until": "24:00"},
        {"days": [5], "from": "6:30", "until": "24:00"},
        {"days": [5], "from": "06:30", "until": "24:01"},
        {"days": [5], "from": "06:60", "until": "24:00"},
        {"days": [5], "from": "06:30"},
        {"days": [5], "from": 630, "until": 2400},
        {"days": [5], "from": "０６:30", "until": "24:00"},
    ],
    ids=str,
)
def test_period_that_cannot_be_read_is_refused(period: Any) -> None:
    """invalid solely because of the one member that is wrong."""
    with pytest.raises(Refusal):
        parse_opening([period])
