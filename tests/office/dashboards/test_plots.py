"""Plots: whole as XML, a mark for each number, ticks that a person reads, and nothing that a strict policy refuses."""

import math
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st

from idp.office import plots
from idp.office.axes import MOST_TICKS, Axis

SVG = "{http://www.w3.org/2000/svg}"
NUMBERS = st.integers(0, 10**9) | st.floats(0, 1e9, allow_subnormal=False)
LABELS = st.lists(st.text(max_size=30), min_size=1, max_size=12)
FEW = settings(max_examples=30, deadline=None)
TEXTS = {"title": "A < B & 'c'", "about": '"whatever" <script>'}


def drawn(svg: str) -> ET.Element:
    """The plot as a reader of XML has it; no control character may come in by a label."""
    return ET.fromstring(svg)  # noqa: S314  our own


def marks(svg: str) -> list[str]:
    return [
        item.find(f"{SVG}title").text or ""  # type: ignore[union-attr]
        for item in drawn(svg).iter()
        if "mark" in item.get("class", "").split()
    ]


def fits(svg: str) -> None:
    """Nothing lies outside of the picture, and nothing is no number."""
    root = drawn(svg)
    width, height = (float(size) for size in root.get("viewBox", "").split()[2:])
    for item in root.iter():
        for name, most in (("x", width), ("cx", width), ("x1", width), ("y", height), ("cy", height), ("y1", height)):
            assert -0.01 <= float(item.get(name, 0)) <= most + 0.01, ET.tostring(item)
        assert not {"style", "onload", "onclick", "href"} & set(item.keys())
        assert item.tag.removeprefix(SVG) in {"svg", "title", "desc", "line", "text", "polyline", "circle", "rect"}


@given(values=st.lists(NUMBERS, max_size=20))
def test_an_axis_cannot_be_read_or_leaves_a_value_out(values: list[float]) -> None:
    axis = Axis.over(values)
    top, steps = max(values, default=0), [high - low for low, high in pairwise(axis.ticks)]
    assert axis.ticks[0] == 0 and axis.ticks[-1] >= top * (1 - 1e-6)
    assert 2 <= len(axis.ticks) <= MOST_TICKS + 1
    lead = steps[0] / 10 ** math.floor(math.log10(steps[0]) + 1e-9)
    assert any(math.isclose(lead, nice, rel_tol=1e-6) for nice in (1, 2, 5, 10))
    assert all(math.isclose(step, steps[0], rel_tol=1e-6) for step in steps)
    assert len(axis.ticks) == 2 or axis.ticks[-2] < top * (1 + 1e-6)  # no longer than it needs to be
    if all(float(value).is_integer() for value in values):
        assert all(float(tick).is_integer() for tick in axis.ticks)


@FEW
@given(labels=LABELS, data=st.data())
def test_a_number_has_no_mark(labels: list[str], data: Any) -> None:
    one, two = (data.draw(st.lists(NUMBERS, min_size=len(labels), max_size=len(labels))) for _ in "ab")
    series = {"one": one, "two & three": two}
    for draw in (plots.lines, plots.bars):
        svg = draw("n", labels=labels, series=series, **TEXTS)
        fits(svg)
        assert len(marks(svg)) == 2 * len(labels)


@settings(max_examples=60, deadline=None)
@given(count=st.integers(1, 400), length=st.integers(1, 16))
def test_words_below_an_axis_run_into_each_other(count: int, length: int) -> None:
    svg = plots.lines("n", labels=["0" * length] * count, series={"one": [0] * count}, **TEXTS)
    below = [item for item in drawn(svg).iter(f"{SVG}text") if item.get("class") == "label middle"]
    places = [float(item.get("x", 0)) for item in below]
    assert all(right - left >= plots.wide("0" * length) * plots.LETTER for left, right in pairwise(places))


@FEW
@given(rows=LABELS, columns=LABELS, data=st.data())
def test_a_field_of_a_heat_map_is_left_out(rows: list[str], columns: list[str], data: Any) -> None:
    field = st.lists(NUMBERS, min_size=len(columns), max_size=len(columns))
    svg = plots.heat("n", rows=rows, columns=columns, values=[data.draw(field) for _ in rows], **TEXTS)
    fits(svg)
    assert len(marks(svg)) == len(rows) * len(columns)


@FEW
@given(data=st.data(), limit=st.floats(-2, 2))
def test_a_bin_of_a_histogram_is_left_out(data: Any, limit: float) -> None:
    edges = [number / 20 for number in range(21)]
    counts = data.draw(st.lists(NUMBERS, min_size=20, max_size=20))
    svg = plots.histogram("n", edges=edges, series={"a": counts, "b": counts}, at={"limit": limit}, **TEXTS)
    fits(svg)
    assert len(marks(svg)) == 40


def test_who_does_not_see_the_plot_learns_nothing_of_it() -> None:
    svg = plots.bars("x", labels=["Lo Wu"], series={"entry": [1200]}, unit=" s", **TEXTS)
    root = drawn(svg)
    assert root.get("role") == "img"
    named = [root.find(f".//*[@id='{name}']").text for name in root.get("aria-labelledby", "").split()]  # type: ignore[union-attr]
    assert named == [TEXTS["title"], TEXTS["about"]]
    assert marks(svg) == ["Lo Wu, entry: 1\u202f200 s"]


def test_an_empty_plot_is_an_error() -> None:
    for svg in (
        plots.lines("n", labels=[], series={"a": []}, **TEXTS),
        plots.bars("n", labels=[], series={"a": []}, **TEXTS),
        plots.heat("n", rows=[], columns=[], values=[], **TEXTS),
    ):
        assert marks(svg) == []
