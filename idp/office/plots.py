"""Plots as SVG text, for pages under a strict content security policy: no style, no script, classes alone.

Each plot has a title and a description for those who do not see it, and one mark (``class="mark"``) for each number
that it was given, with the number in the mark's own title. The colours are `static/office/figures.css`'s.
"""

import math
import unicodedata
from collections.abc import Mapping, Sequence
from html import escape as escape_markup
from itertools import pairwise

from django.utils.safestring import SafeString

from idp.office.axes import Axis, whole

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 480, 52, 12, 30, 40
HEIGHT = 250
LETTER = 7.8  # units that a Latin letter takes; a Chinese one takes two
ROW = 22  # units of one row of bars, or of a heat map
MOST_LABEL = 140
BARE = 8  # above a plot without legend
MANY = 60  # points of a line: more stand too close for large dots


class Drawing:
    """Parts of one SVG, in the order in which they are painted. ``name`` is unique on its page."""

    def __init__(self, name: str, *, title: str, about: str, height: int = HEIGHT) -> None:
        self._head = (
            f'<svg class="plot" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
            f'aria-labelledby="{name}-title {name}-about"><title id="{name}-title">{escape(title)}</title>'
            f'<desc id="{name}-about">{escape(about)}</desc>'
        )
        self._parts: list[str] = []

    def line(self, x1: float, y1: float, x2: float, y2: float, kind: str) -> None:
        self._parts.append(f'<line class="{kind}" x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}"/>')

    def text(self, x: float, y: float, words: str, kind: str = "label") -> None:
        self._parts.append(f'<text class="{kind}" x="{_n(x)}" y="{_n(y)}">{escape(words)}</text>')

    def middle(self, x: float, y: float, words: str) -> None:
        """Around ``x``, and within the picture."""
        half = wide(words) * LETTER / 2
        self.text(max(half, min(x, WIDTH - half)), y, words, "label middle")

    def path(self, points: Sequence[tuple[float, float]], kind: str) -> None:
        steps = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
        self._parts.append(f'<polyline class="{kind}" points="{steps}"/>')

    def dot(self, x: float, y: float, kind: str, words: str, radius: float = 2.5) -> None:
        self._mark(f'<circle class="mark {kind}" cx="{_n(x)}" cy="{_n(y)}" r="{radius}"', "circle", words)

    def box(self, x: float, y: float, width: float, height: float, kind: str, words: str, weight: float = 1) -> None:
        """``weight``, 0 to 1, is how strong its colour is."""
        opacity = "" if weight == 1 else f' fill-opacity="{_n(weight)}"'
        where = f'x="{_n(x)}" y="{_n(y)}" width="{_n(max(0, width))}" height="{_n(max(0, height))}"'
        self._mark(f'<rect class="mark {kind}" {where}{opacity}', "rect", words)

    def legend(self, labels: Sequence[str]) -> None:
        """The names of the series, above the plot, where there are several."""
        x = float(LEFT)
        for number, label in enumerate(labels if len(labels) > 1 else ()):
            self._parts.append(f'<rect class="series-{number}" x="{_n(x)}" y="6" width="12" height="12"/>')
            self.text(x + 16, 16, label, "label start")
            x += 32 + wide(label) * LETTER

    def finish(self) -> SafeString:
        return SafeString(self._head + "".join(self._parts) + "</svg>")

    def _mark(self, opening: str, element: str, words: str) -> None:
        self._parts.append(f"{opening}><title>{escape(words)}</title></{element}>")


def lines(
    name: str, *, title: str, about: str, labels: Sequence[str], series: Mapping[str, Sequence[float]], unit: str = ""
) -> SafeString:
    """Each of ``series`` over ``labels``, from the left to the right; the axis begins at 0."""
    drawing = Drawing(name, title=title, about=about)
    axis = Axis.over([value for values in series.values() for value in values])
    drawing.legend(list(series))
    _values_at_left(drawing, axis, unit)
    places, dot = _spread(len(labels)), 2.5 if len(labels) <= MANY else 1.25
    for x, label in _some(places, labels):
        drawing.middle(x, HEIGHT - BOTTOM + 18, label)
    for number, (label, values) in enumerate(series.items()):
        points = [(x, _height(axis, value)) for x, value in zip(places, values, strict=True)]
        if len(points) > 1:
            drawing.path(points, f"curve series-{number}")
        for (x, y), value, at in zip(points, values, labels, strict=True):
            drawing.dot(x, y, f"series-{number}", f"{at}, {label}: {told(value)}{unit}", dot)
    return drawing.finish()


def bars(
    name: str, *, title: str, about: str, labels: Sequence[str], series: Mapping[str, Sequence[float]], unit: str = ""
) -> SafeString:
    """Bars to the right, one group for each of ``labels``, one bar in it for each of ``series``."""
    thick = ROW * max(1, len(series)) * (1 if len(series) == 1 else 0.75)
    head = TOP if len(series) > 1 else BARE
    height = round(head + thick * len(labels) + BOTTOM)
    drawing = Drawing(name, title=title, about=about, height=height)
    axis = Axis.over([value for values in series.values() for value in values])
    left = _margin(labels)
    drawing.legend(list(series))
    for tick in axis.ticks:
        x = left + axis.share(tick) * (WIDTH - RIGHT - left)
        drawing.line(x, head, x, height - BOTTOM, "grid")
        drawing.middle(x, height - BOTTOM + 18, f"{told(tick)}{unit}")
    for row, label in enumerate(labels):
        top = head + row * thick
        drawing.text(left - 6, top + thick / 2 + 5, _cut(label), "label end")
        for number, (kind, values) in enumerate(series.items()):
            one = (thick - 4) / len(series)
            length = axis.share(values[row]) * (WIDTH - RIGHT - left)
            words = f"{label}, {kind}: {told(values[row])}{unit}"
            drawing.box(left, top + 2 + number * one, length, one - 1, f"series-{number}", words)
    drawing.line(left, head, left, height - BOTTOM, "axis")
    return drawing.finish()


def histogram(
    name: str,
    *,
    title: str,
    about: str,
    edges: Sequence[float],
    series: Mapping[str, Sequence[float]],
    at: Mapping[str, float] | None = None,
    unit: str = "",
) -> SafeString:
    """How much lies between each of ``edges`` and the next, of equal width on the page; ``at``: named upright lines.

    Of two ``series`` each has half of the width.
    """
    drawing = Drawing(name, title=title, about=about)
    axis = Axis.over([value for values in series.values() for value in values])
    drawing.legend(list(series))
    _values_at_left(drawing, axis, "")
    width = (WIDTH - LEFT - RIGHT) / (len(edges) - 1)
    places = [LEFT + number * width for number in range(len(edges))]
    for x, edge in _some(places, [f"{told(edge)}{unit}" for edge in edges]):
        drawing.middle(x, HEIGHT - BOTTOM + 18, edge)
    for number, (label, values) in enumerate(series.items()):
        part = (width - 1) / len(series)
        for x, value, (low, high) in zip(places, values, pairwise(edges), strict=False):
            y = _height(axis, value)
            words = f"{told(low)} – {told(high)}{unit}, {label}: {told(value)}"
            drawing.box(x + number * part, y, part, HEIGHT - BOTTOM - y, f"series-{number}", words)
    for number, (label, value) in enumerate((at or {}).items()):
        x = _between(value, edges, places)
        drawing.line(x, TOP, x, HEIGHT - BOTTOM, "limit")
        drawing.text(x - 3, TOP + 10 + 15 * number, label, "label end")
    return drawing.finish()


def heat(
    name: str,
    *,
    title: str,
    about: str,
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[float]],
) -> SafeString:
    """A field for each row and column, the stronger the more there is of it."""
    height = TOP + ROW * len(rows) + BOTTOM
    drawing = Drawing(name, title=title, about=about, height=height)
    left, most = _margin(rows), max((value for row in values for value in row), default=0) or 1
    width = (WIDTH - RIGHT - left) / max(1, len(columns))
    for x, label in _some([left + (number + 0.5) * width for number in range(len(columns))], columns):
        drawing.middle(x, height - BOTTOM + 18, label)
    for number, (label, found) in enumerate(zip(rows, values, strict=True)):
        y = TOP + number * ROW
        drawing.text(left - 6, y + ROW / 2 + 5, _cut(label), "label end")
        for place, (column, value) in enumerate(zip(columns, found, strict=True)):
            words = f"{label}, {column}: {told(value)}"
            weight = 0 if not value else 0.15 + 0.85 * value / most
            drawing.box(left + place * width, y, width - 1, ROW - 1, "series-0", words, weight)
    drawing.text(left, TOP - 12, f"0 – {told(most)}", "label start")
    return drawing.finish()


def escape(words: str) -> str:
    """As XML 1.0 can hold it (§2.2): no control characters, no halves of surrogates."""
    kept = (letter if unicodedata.category(letter) not in ("Cc", "Cs", "Cn") else "\ufffd" for letter in words)
    return escape_markup("".join(kept))


def wide(words: str) -> int:
    """How many Latin letters take the same room."""
    return sum(2 if ord(letter) > 0x2E7F else 1 for letter in words)


def told(value: float) -> str:
    """A number as it is read: whole where it is, otherwise with three significant digits."""
    return f"{round(value):,}".replace(",", "\u202f") if whole(value) else f"{value:.3g}"


def _values_at_left(drawing: Drawing, axis: Axis, unit: str) -> None:
    for tick in axis.ticks:
        y = _height(axis, tick)
        drawing.line(LEFT, y, WIDTH - RIGHT, y, "axis" if tick == 0 else "grid")
        drawing.text(LEFT - 6, y + 4, f"{told(tick)}{unit}", "label end")


def _height(axis: Axis, value: float) -> float:
    return HEIGHT - BOTTOM - axis.share(value) * (HEIGHT - TOP - BOTTOM)


def _spread(count: int) -> list[float]:
    room = WIDTH - LEFT - RIGHT
    return [LEFT + room * (number + 0.5) / count for number in range(count)]


def _some(places: Sequence[float], labels: Sequence[str]) -> list[tuple[float, str]]:
    """Those that have room beside each other."""
    pairs = list(zip(places, labels, strict=True))
    if len(pairs) < 2:
        return pairs
    room = max(map(wide, labels)) * LETTER + 14
    kept = pairs[:: max(1, math.ceil(room / abs(places[1] - places[0])))]
    end = WIDTH - wide(kept[-1][1]) * LETTER / 2  # `_Drawing.middle` moves the last one there
    return kept[:-1] if len(kept) > 1 and min(kept[-1][0], end) - kept[-2][0] < room else kept


def _margin(labels: Sequence[str]) -> float:
    return min(MOST_LABEL, max((wide(label) for label in labels), default=0) * LETTER) + 16


def _cut(label: str) -> str:
    kept = label
    while wide(kept) * LETTER > MOST_LABEL:
        kept = kept[:-1]
    return label if kept == label else f"{kept[:-1]}…"


def _between(value: float, edges: Sequence[float], places: Sequence[float]) -> float:
    for (low, high), (left, right) in zip(pairwise(edges), pairwise(places), strict=True):
        if low <= value <= high:
            return left + (right - left) * (value - low) / (high - low)
    return places[-1] if value > edges[-1] else places[0]


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0") if abs(value) >= 1 or value == 0 else f"{value:.2f}"
