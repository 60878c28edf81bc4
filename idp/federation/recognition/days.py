"""Whole days of a recognition in the project's time zone, and the seconds since 1970 that terms keep."""

import datetime

from django.utils.timezone import localtime, make_aware

from idp.federation.columns import moment


def first_second(day: datetime.date) -> int:
    """At which the day begins."""
    return int(make_aware(datetime.datetime.combine(day, datetime.time())).timestamp())


def after(day: datetime.date) -> int:
    """The first second after the day."""
    return first_second(day + datetime.timedelta(days=1))


def first_day(seconds: int | None) -> datetime.date | None:
    """The day in which a period from ``seconds`` on begins."""
    at = moment(seconds)
    return None if at is None else localtime(at).date()


def last_day(seconds: int | None) -> datetime.date | None:
    """The last day of which something is before ``seconds``."""
    return None if seconds is None else first_day(seconds - 1)
