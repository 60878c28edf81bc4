"""What the lanes decided, and why they sent travellers to an officer."""

from collections import defaultdict

from django.utils.translation import gettext as _

from idp.border.figures import reading
from idp.border.figures.words import DECISION_WORDS
from idp.office import plots
from idp.office.dashboards.figures import Figure, share
from idp.office.dashboards.periods import Period
from idp.office.dashboards.spreads import grouped, percentiles, spread
from idp.protocol.journal import BY_HAND, BY_MACHINE, DECISIONS


def figures(period: Period, now: int) -> list[Figure]:
    """By part of the period, by checkpoint, and by reason."""
    reason = _("The first reason that the lane found, by its name in the protocol; most frequent first.")
    ground = _("The ground that the officer at the lane gave, by its name in the protocol; most frequent first.")
    return [
        _over_time(period),
        _by_checkpoint(period),
        _reasons(period, "refer", title=_("Why travellers were referred"), about=reason),
        _reasons(period, "refuse", title=_("Why travellers were refused"), about=reason),
        _reasons(period, "release", title=_("On which grounds officers released"), about=ground),
        _reasons(period, "decline", title=_("On which grounds officers declined"), about=ground),
        *_times(period),
    ]


def _over_time(period: Period) -> Figure:
    rows = reading.crossings(
        since=period.since, until=period.until, step=period.step, by=("bin", "decision"), decisions=DECISIONS
    )
    found = defaultdict(int, {(part, decision): count for part, decision, count in rows})
    series = {str(DECISION_WORDS[one]): [found[part, one] for part in range(len(period.parts))] for one in BY_MACHINE}
    by_hand = [[found[part, one] for part in range(len(period.parts))] for one in BY_HAND]
    title = _("Decisions over time")
    about = _("What the lanes decided by themselves. What officers decided about it afterwards is in the table.")
    plot = plots.lines("over-time", title=title, about=about, labels=period.short_parts, series=series)
    columns = (_("from"), *(str(DECISION_WORDS[one]) for one in DECISIONS))
    cells = tuple(zip(period.parts, *series.values(), *by_hand, strict=True))
    return Figure("over-time", title, about, columns, 1, cells, plot)


def _by_checkpoint(period: Period) -> Figure:
    rows = reading.crossings(
        since=period.since, until=period.until, by=("checkpoint__code", "decision"), decisions=BY_MACHINE
    )
    found = defaultdict(int, {(place, decision): count for place, decision, count in rows})
    places = sorted({place for place, _decision in found})
    numbers = [[found[place, one] for one in BY_MACHINE] for place in places]
    cells = tuple(
        (place, *counts, share(found[place, "refer"], sum(counts)))
        for place, counts in zip(places, numbers, strict=True)
    )
    title, kind = _("Referrals by checkpoint"), _("referred, %")
    about = _("How many of a hundred decisions of its lanes sent the traveller to an officer.")
    shares = {kind: [float(row[-1] or 0) for row in cells]}
    plot = plots.bars("by-checkpoint", title=title, about=about, labels=places, series=shares, unit=" %")
    columns = (_("checkpoint"), *(str(DECISION_WORDS[one]) for one in BY_MACHINE), kind)
    return Figure("by-checkpoint", title, about, columns, 1, cells, plot)


def _reasons(period: Period, decision: str, *, title: str, about: str) -> Figure:
    rows = reading.crossings(since=period.since, until=period.until, by=("reason",), decisions=(decision,))
    found = sorted(rows, key=lambda row: (-row[1], row[0]))
    total = sum(count for _reason, count in found)
    labels, numbers = [reason for reason, _count in found], [count for _reason, count in found]
    name = f"reasons-{decision}"
    plot = plots.bars(name, title=title, about=about, labels=labels, series={_("count"): numbers})
    cells = tuple((reason, count, share(count, total)) for reason, count in found)
    return Figure(name, title, about, (_("reason"), _("count"), _("share, %")), 1, cells, plot)


def _times(period: Period) -> list[Figure]:
    rows = reading.decision_times(since=period.since, until=period.until, by=("checkpoint__code",))
    places = grouped(rows)
    whole = grouped(("", bucket, count) for _place, bucket, count in rows)
    about = _(
        "What the machine needed for its steps, without the traveller's way to the camera. Exact to a fifth. Lanes "
        "with software of before, and gates that two authorities share, do not say it."
    )
    return [
        spread("times", _("Decision times"), about, whole[""], unit="ms"),
        percentiles("times-at", _("Decision times by checkpoint"), about, _("checkpoint"), places, unit="ms"),
    ]
