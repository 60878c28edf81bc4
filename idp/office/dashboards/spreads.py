"""How lengths of time are spread: a histogram of buckets, and percentiles beside each other."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from idp.border.figures.buckets import LAST, LOWER, percentile
from idp.office import plots
from idp.office.axes import whole
from idp.office.dashboards.figures import Figure, share

SHARES = (50, 95, 99)  # per cent


def spread(name: str, title: str, about: str, counts: Mapping[int, int], *, unit: str) -> Figure:
    """How often which length occurred, from the first bucket that has any to the last."""
    shown = range(min(counts, default=0), max(counts, default=-1) + 1)
    edges = [float(f"{LOWER[min(number, LAST)]:.3g}") for number in (*shown, shown.stop)]
    numbers, total = [counts.get(number, 0) for number in shown], sum(counts.values())
    columns = (_("from, %(unit)s") % {"unit": unit}, _("to, %(unit)s") % {"unit": unit}, _("count"), _("share, %"))
    if not total:
        return Figure(name, title, about, columns, 0, ())
    series = {_("count"): numbers}
    plot = plots.histogram(name, title=title, about=about, edges=edges, series=series, unit=f" {unit}")
    ends = [*map(_plain, edges[1:-1]), None if shown[-1] == LAST else _plain(edges[-1])]
    cells = zip(map(_plain, edges[:-1]), ends, numbers, (share(one, total) for one in numbers), strict=True)
    return Figure(name, title, about, columns, 0, tuple(cells), plot)


def percentiles(
    name: str, title: str, about: str, label: str, counts: Mapping[str, Mapping[int, int]], *, unit: str
) -> Figure:
    """A row for each key of ``counts``: how many there are, and what half, 95 and 99 per cent do not exceed."""
    found = {key: [_plain(percentile(counts[key], one)) for one in SHARES] for key in sorted(counts)}
    columns = (label, _("count"), *(f"p{one}, {unit}" for one in SHARES))
    rows = tuple((key, sum(counts[key].values()), *lengths) for key, lengths in found.items())
    series = {f"p{one}": [float(found[key][place] or 0) for key in found] for place, one in enumerate(SHARES)}
    plot = plots.bars(name, title=title, about=about, labels=list(found), series=series, unit=f" {unit}")
    return Figure(name, title, about, columns, 1, rows, plot)


def grouped(rows: Iterable[Sequence[Any]]) -> dict[Any, dict[int, int]]:
    """Rows ``(key, bucket, count)`` as buckets by key."""
    found: dict[Any, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for key, bucket, count in rows:
        found[key][bucket] += count
    return found


def _plain(length: float | None) -> float | int | None:
    return int(length) if length is not None and whole(length) else length
