"""Who crossed, counted: by hour, checkpoint and direction."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from django.utils.translation import gettext as _

from idp.border.figures import reading
from idp.border.figures.words import DIRECTION_WORDS
from idp.office import plots
from idp.office.dashboards.figures import Figure
from idp.office.dashboards.periods import Period
from idp.protocol.journal import DIRECTIONS, PASSED

CLOCK = [f"{hour:02}" for hour in range(24)]


def figures(period: Period, now: int) -> list[Figure]:
    """By part of the period, by checkpoint, and by checkpoint and hour of the day."""
    return [_over_time(period), _by_checkpoint(period), _by_clock(period)]


def counted(period: Period, by: Sequence[str]) -> Mapping[tuple[object, ...], int]:
    """Crossings of the period: whom a lane or an officer let through."""
    rows = reading.crossings(since=period.since, until=period.until, step=period.step, by=by, decisions=PASSED)
    return defaultdict(int, {tuple(key): count for *key, count in rows})


def _over_time(period: Period) -> Figure:
    found = counted(period, ("bin", "direction"))
    words = {direction: str(DIRECTION_WORDS[direction]) for direction in DIRECTIONS}
    series = {words[one]: [found[part, one] for part in range(len(period.parts))] for one in DIRECTIONS}
    title = _("Crossings over time")
    about = _("Travellers whom a lane admitted or an officer released, by the time in the lanes' journals.")
    plot = plots.lines("over-time", title=title, about=about, labels=period.short_parts, series=series)
    rows = [(at, *numbers, sum(numbers)) for at, *numbers in zip(period.parts, *series.values(), strict=True)]
    return Figure("over-time", title, about, (_("from"), *series, _("together")), 1, tuple(rows), plot)


def _by_checkpoint(period: Period) -> Figure:
    found = counted(period, ("checkpoint__code", "direction"))
    places = sorted({str(place) for place, _direction in found})
    series = {str(DIRECTION_WORDS[one]): [found[place, one] for place in places] for one in DIRECTIONS}
    title, about = _("Crossings by checkpoint"), _("Both directions of every checkpoint at which somebody crossed.")
    plot = plots.bars("by-checkpoint", title=title, about=about, labels=places, series=series)
    rows = [(place, *numbers, sum(numbers)) for place, *numbers in zip(places, *series.values(), strict=True)]
    return Figure("by-checkpoint", title, about, (_("checkpoint"), *series, _("together")), 1, tuple(rows), plot)


def _by_clock(period: Period) -> Figure:
    found = counted(period, ("checkpoint__code", "clock"))
    places = sorted({str(place) for place, _clock in found})
    values = [[found[place, hour] for hour in range(24)] for place in places]
    title = _("Crossings by hour of the day")
    about = _("Both directions, every day of the period together; hours of Hong Kong, Macau and the mainland (UTC+8).")
    plot = plots.heat("by-clock", title=title, about=about, rows=places, columns=CLOCK, values=values)
    rows = [(place, *numbers) for place, numbers in zip(places, values, strict=True)]
    return Figure("by-clock", title, about, (_("checkpoint"), *CLOCK), 1, tuple(rows), plot)
