"""The plots of a report as SVG: how the scores lie, and DET (ISO/IEC 19795-1: both errors, normal deviates).

Matplotlib without any display; no other module of the engine loads it, and a gate does not have it.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from scipy.special import ndtr, ndtri

from idp.biometrics.engine.evaluation import rates
from idp.biometrics.engine.evaluation.measuring import Counted
from idp.biometrics.engine.evaluation.tally import BINS, Tally

SIZE: Final = (4.4, 3.7)  # inches; legible on a telephone's width
TICKS: Final = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.05, 0.2, 0.5)
MOST: Final = 0.5  # of either rate that is shown
BARS: Final = 128  # of the score plot; a divisor of BINS
POINTS: Final = 400  # of a curve

Marks = Mapping[str, float]  # name to threshold


@dataclass(frozen=True)
class Palette:
    """Colours on a page's background; none of the plots has one of its own."""

    ink: str
    faint: str
    genuine: str
    impostor: str
    mark: str


LIGHT: Final = Palette("#1c2430", "#c9d0d9", "#0b6e4f", "#b3392f", "#24527a")
DARK: Final = Palette("#e4e8ee", "#414b58", "#5cc9a0", "#f0877c", "#8fbce6")


def scores(counted: Counted, marks: Marks, palette: Palette) -> str:
    """How the scores of both kinds lie, in percent of their kind, on a logarithmic axis, with the thresholds."""
    figure, axes = _figure(palette)
    edges = np.linspace(0.0, 1.0, BARS + 1)
    least = 1.0
    for name, tally, colour in (
        ("genuine", counted.genuine, palette.genuine),
        ("impostor", counted.impostor, palette.impostor),
    ):
        shares = _shares(tally)
        axes.stairs(100 * shares, edges, color=colour, fill=True, alpha=0.25)
        axes.stairs(100 * shares, edges, color=colour, linewidth=1.2, label=f"{name} ({tally.size:,})")
        least = min([least, *(100 * shares[shares > 0])])
    axes.set_ylim(least / 2, 100)
    axes.set_yscale("log")
    axes.set_xlim(0, 1)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    for place, (name, threshold) in enumerate(sorted(marks.items(), key=lambda mark: mark[1])):
        axes.axvline(threshold, color=palette.mark, linewidth=0.8, linestyle="--")
        at = (threshold, 0.98 - 0.2 * (place % 2))  # two that are near do not cover each other
        style: dict[str, Any] = {"rotation": 90, "ha": "right", "va": "top", "fontsize": 7, "color": palette.mark}
        axes.text(*at, name, transform=axes.get_xaxis_transform(), **style)
    axes.set_xlabel("score")
    axes.set_ylabel("comparisons, % of their kind")
    _legend(axes, palette)
    return _svg(figure)


def det(counted: Counted, marks: Marks, palette: Palette) -> str:
    """FNMR over FMR in percent on normal deviates, with its 95 % band and the thresholds.

    Without an error a rate lies at the axis' end, where nothing is to be read but the band: the rule of three.
    """
    figure, axes = _figure(palette)
    (match_low, match, match_high), (non_low, non, non_high) = _both(counted)
    floors = _floor(counted.impostor), _floor(counted.genuine)

    def placed(kind: int, values: Any) -> Any:
        return ndtri(np.clip(values, floors[kind], MOST))

    along = np.concatenate([placed(0, match_low), placed(0, match_high)[::-1]])
    up = np.concatenate([placed(1, non_low), placed(1, non_high)[::-1]])
    axes.fill(along, up, color=palette.mark, alpha=0.2, linewidth=0)
    axes.plot(placed(0, match), placed(1, non), color=palette.ink, linewidth=1.4)
    points: dict[tuple[float, float], list[str]] = {}  # without errors several lie in one corner
    for name, threshold in marks.items():
        x = placed(0, rates.fmr(counted.impostor, threshold).value or 0.0)
        y = placed(1, rates.fnmr(counted.genuine, threshold).value or 0.0)
        points.setdefault((float(x), float(y)), []).append(name)
    for (x, y), names in points.items():
        axes.plot([x], [y], marker="o", markersize=4, color=palette.mark, clip_on=False)
        beside = (5, 3 if y < ndtri(0.4) else -9)  # within the axes
        axes.annotate(", ".join(names), (x, y), beside, textcoords="offset points", color=palette.mark, fontsize=7)
    for axis, floor, limit in ((axes.xaxis, floors[0], axes.set_xlim), (axes.yaxis, floors[1], axes.set_ylim)):
        axis.set_major_locator(FixedLocator(_ticks(floor)))
        axis.set_major_formatter(FuncFormatter(_percent))
        limit(float(ndtri(floor)), float(ndtri(MOST)))
    axes.set_xlabel("FMR, %")
    axes.set_ylabel("FNMR, %")
    return _svg(figure)


def _both(counted: Counted) -> tuple[tuple[Any, Any, Any], tuple[Any, Any, Any]]:
    """FMR and FNMR, each as (low, rate, high) at the same thresholds, rising."""
    matched, reached = counted.impostor.above(), counted.genuine.above()
    missed = reached[0] - reached
    changes = np.flatnonzero(np.diff(matched) + np.diff(reached)) + 1
    steps = np.unique(np.concatenate([[0], changes, [BINS + 1]]))
    if steps.size > POINTS:
        steps = steps[np.union1d(_spread(-matched[steps], counted.impostor), _spread(missed[steps], counted.genuine))]
    return _banded(matched[steps], counted.impostor.size), _banded(missed[steps], counted.genuine.size)


def _spread(rising: Any, tally: Tally) -> Any:
    """Places in ``rising`` errors (or their negatives) that lie evenly on the axis, rare errors as well as frequent."""
    rate = np.clip(np.abs(rising) / max(1, tally.size), _floor(tally), MOST)
    deviates = np.sign(rising[0] + rising[-1]) * ndtri(rate)
    wanted = np.linspace(deviates[0], deviates[-1], POINTS // 2)
    return np.searchsorted(deviates, wanted).clip(max=rising.size - 1)


def _banded(errors: Any, trials: int) -> tuple[Any, Any, Any]:
    if not trials:
        return np.zeros(errors.size), np.zeros(errors.size), np.ones(errors.size)
    low, high = rates.intervals(errors, trials)
    return low, errors / trials, high


def _floor(tally: Tally) -> float:
    """Where an axis begins: below the smallest rate that its comparisons can show."""
    return max(1e-7, min(0.01, 0.3 / max(1, tally.size)))


def _ticks(floor: float) -> list[float]:
    """Normal deviates of `TICKS`, without those whose labels would run into the next."""
    whole = float(ndtri(MOST) - ndtri(floor))
    kept = [float(ndtri(MOST))]
    for tick in reversed(TICKS):
        place = float(ndtri(tick))
        if tick >= floor and kept[-1] - place > 0.11 * whole:
            kept.append(place)
    return kept


def _percent(deviate: float, _: object) -> str:
    return f"{100 * float(ndtr(deviate)):.3g}"


def _shares(tally: Tally) -> Any:
    steps = tally.counts[:BINS].reshape(BARS, -1).sum(axis=1)
    steps[-1] += tally.counts[BINS]
    return steps / max(1, tally.size)


def _figure(palette: Palette) -> tuple[Figure, Axes]:
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.add_subplot()
    figure.patch.set_alpha(0)
    axes.patch.set_alpha(0)
    axes.tick_params(colors=palette.ink, labelsize=8)
    axes.xaxis.label.set_color(palette.ink)
    axes.yaxis.label.set_color(palette.ink)
    axes.grid(color=palette.faint, linewidth=0.5)
    for spine in axes.spines.values():
        spine.set_color(palette.faint)
    return figure, axes


def _legend(axes: Axes, palette: Palette) -> None:
    """Above the plot, where it hides nothing."""
    place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0.0, 1.0), "ncols": 2, "borderaxespad": 0.2}
    axes.legend(**place, fontsize=7, labelcolor=palette.ink, frameon=False)


def _svg(figure: Figure) -> str:
    """The same bytes for the same figure; text stays text, in the reader's own sans serif."""
    out = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "causeway", "font.family": "sans-serif"}):
        canvas: Any = FigureCanvasSVG(figure)
        canvas.print_svg(out, metadata={"Date": None, "Creator": None})
    found = out.getvalue()
    return found[found.index("<svg") :]
