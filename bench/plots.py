"""How a figure grows with a size, drawn as an SVG beside the figures in ``var/bench``."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

OUT = Path("var/bench")


def growth(
    name: str, sizes: Sequence[float], series: Mapping[str, Sequence[float]], *, title: str, x: str, y: str
) -> Path:
    """Draw each of ``series`` over ``sizes``, both axes logarithmic, into ``var/bench/NAME.svg``; where it lies.

    ``x`` and ``y`` say what the axes are, with their units.
    """
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        figure = Figure(figsize=(6.4, 4), layout="constrained")
        axes = figure.subplots()
        for label, values in series.items():
            axes.plot(sizes, values, marker="o", label=label)
        axes.set(title=title, xlabel=x, ylabel=y, xscale="log", yscale="log")
        axes.grid(visible=True, which="both", alpha=0.3)
        axes.legend()
        OUT.mkdir(parents=True, exist_ok=True)
        path = OUT / f"{name}.svg"
        figure.savefig(path, format="svg", metadata={"Date": None})
    return path
