"""Border tokens: how many were issued, for where, and why some were taken back."""

from collections import defaultdict

from django.utils.translation import gettext as _

from idp.border.figures import reading
from idp.border.figures.words import DIRECTION_WORDS
from idp.office import plots
from idp.office.dashboards.figures import Figure, share
from idp.office.dashboards.periods import Period
from idp.protocol.journal import DIRECTIONS


def figures(period: Period, now: int) -> list[Figure]:
    """By part of the period, by checkpoint, and revocations by reason."""
    return [_over_time(period), _by_checkpoint(period), _revoked(period)]


def _over_time(period: Period) -> Figure:
    rows = reading.issued(since=period.since, until=period.until, step=period.step, by=("bin", "direction"))
    found = defaultdict(int, {(part, direction): count for part, direction, count in rows})
    series = {str(DIRECTION_WORDS[one]): [found[part, one] for part in range(len(period.parts))] for one in DIRECTIONS}
    title, about = _("Border tokens issued"), _("By the time of issue. The last five minutes may not be counted yet.")
    plot = plots.lines("over-time", title=title, about=about, labels=period.short_parts, series=series)
    cells = [(at, *numbers, sum(numbers)) for at, *numbers in zip(period.parts, *series.values(), strict=True)]
    return Figure("over-time", title, about, (_("from"), *series, _("together")), 1, tuple(cells), plot)


def _by_checkpoint(period: Period) -> Figure:
    rows = reading.issued(since=period.since, until=period.until, by=("authority", "checkpoint", "direction"))
    found = defaultdict(int, {(place, direction): count for _authority, place, direction, count in rows})
    authorities = {place: authority for authority, place, _direction, _count in rows}
    places = sorted(authorities)
    series = {str(DIRECTION_WORDS[one]): [found[place, one] for place in places] for one in DIRECTIONS}
    title, about = _("Border tokens by checkpoint"), _("Own checkpoints and those of the peers for which we issue.")
    labels = [place.rsplit("/", 1)[-1] for place in places]
    plot = plots.bars("by-checkpoint", title=title, about=about, labels=labels, series=series)
    cells = tuple(
        (authorities[place], place, *numbers, sum(numbers))
        for place, *numbers in zip(places, *series.values(), strict=True)
    )
    columns = (_("receiving authority"), _("checkpoint"), *series, _("together"))
    return Figure("by-checkpoint", title, about, columns, 2, cells, plot)


def _revoked(period: Period) -> Figure:
    rows = sorted(reading.revoked(since=period.since, until=period.until), key=lambda row: (-row[1], row[0]))
    total = sum(count for _reason, count in rows)
    title = _("Why border tokens were taken back")
    about = _("By the time of the revocation; the reasons are those of the audit.")
    labels, series = [reason for reason, _count in rows], {_("count"): [count for _reason, count in rows]}
    plot = plots.bars("revoked", title=title, about=about, labels=labels, series=series)
    cells = tuple((reason, count, share(count, total)) for reason, count in rows)
    return Figure("revoked", title, about, (_("reason"), _("count"), _("share, %")), 1, cells, plot)
