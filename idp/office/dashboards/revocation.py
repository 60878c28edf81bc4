"""How long revocations take to reach the lanes, and which lanes lack some."""

from django.utils.translation import gettext as _

from idp.border.figures import delays, reading
from idp.office import plots
from idp.office.dashboards.figures import Figure
from idp.office.dashboards.periods import Period
from idp.office.dashboards.spreads import grouped, percentiles, spread

MOST = 200  # lanes in the table; where more lack something, something else is wrong


def figures(period: Period, now: int) -> list[Figure]:
    """The delays of the period's revocations, by checkpoint, and the lanes that lack some now."""
    rows = reading.revocation_delays(since=period.since, until=period.until)
    whole = grouped(("", bucket, count) for _place, bucket, count in rows)
    about = _(
        "From a revocation here until a lane fetched the first bundle that has it: one count for each token and lane, "
        "by the time of the revocation. Lanes that lack it still are not in it. Exact to a fifth."
    )
    title, places = _("Delays of revocations"), _("Delays of revocations by checkpoint")
    return [
        spread("delays", title, about, whole[""], unit="s"),
        percentiles("delays-at", places, about, _("checkpoint"), grouped(rows), unit="s"),
        _lacking(now),
    ]


def _lacking(now: int) -> Figure:
    found = delays.lacking(now=now)[:MOST]
    title = _("Lanes that lack revocations now")
    about = _("Of tokens that still live. A lane that is cut off decides by its last bundle until that is too old.")
    columns = (
        _("lane"),
        _("tokens that it lacks"),
        _("the first revoked before, s"),
        _("last heard before, s"),
    )
    rows = tuple((str(item.lane), item.tokens, now - item.oldest, now - item.heard_at) for item in found)
    labels, series = [str(row[0]) for row in rows], {title: [float(row[2]) for row in rows]}
    plot = plots.bars("lacking", title=title, about=about, labels=labels, series=series, unit=" s")
    return Figure("lacking", title, about, columns, 1, rows, plot)
