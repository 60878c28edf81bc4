"""What is kept of a run: ``var/simulate/report.json`` and four plots as SVG."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from tests.simulation.books import Counters
from tests.simulation.year import Outcome

OUT = Path("var/simulate")


def write(outcome: Outcome, counters: Counters, lines: list[str], times: Mapping[str, float]) -> Path:
    """Write all of it; where it lies."""
    OUT.mkdir(parents=True, exist_ok=True)
    books, plan = outcome.books, outcome.plan
    value = {
        "plan": {name: getattr(plan, name) for name in ("seed", "travellers", "crossings", "days", "loss", "kills")},
        **times,
        "crossings": books.crossings,
        "verdicts": books.verdicts.total(),
        "faults": dict(outcome.faults),
        "offline_hours": outcome.offline_hours,
        "counters": vars(counters),
        "differences": lines[:200],
        "unexplained": books.unexplained[:200],
        "outcomes": [[*key, number] for key, number in sorted(books.outcomes.items())],
        "rules_through": dict(books.through),
        "rules_stopped": dict(books.stopped),
        "audit_events": {name: account.events for name, account in outcome.accounts.items()},
        "days": outcome.daily,
    }
    (OUT / "report.json").write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", "utf-8")
    days = [day["day"] for day in outcome.daily]
    _plot("crossings", days, {"let through": [day["crossings"] for day in outcome.daily]}, "crossings a day")
    _plot(
        "receipts", days, {"waiting": [day["receipts"] for day in outcome.daily]}, "receipts that wait in the evening"
    )
    _plot("journals", days, {"waiting": [day["entries"] for day in outcome.daily]}, "entries that wait in the evening")
    _plot("bundles", days, {"oldest": [day["bundle_age"] / 3600 for day in outcome.daily]}, "hours, of bundles in use")
    _plot("faults", days, {"so far": [day["faults"] for day in outcome.daily]}, "faults of lanes")
    return OUT / "report.json"


def _plot(name: str, days: list[int], series: Mapping[str, list[Any]], what: str) -> None:
    with mpl.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        figure = Figure(figsize=(6.4, 3), layout="constrained")
        axes = figure.subplots()
        for label, values in series.items():
            axes.plot(days, values, label=label, linewidth=1)
        axes.set(xlabel="virtual day", ylabel=what, ylim=(0, None))
        axes.grid(visible=True, alpha=0.3)
        axes.legend()
        figure.savefig(OUT / f"{name}.svg", format="svg", metadata={"Date": None})
