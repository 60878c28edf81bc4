"""What an officer waits for when crossings are looked up, at one, two and five million of them; in full also at fifty.

The crossings are spread over a year and over checkpoints of very different sizes. Each read is a page of fifty entries
with their places, by Django, of the last day or of a month at any time of the year; PostgreSQL is on the other core.
The plot shows how each kind of read grows.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

from bench import contenders, pinned, plots

SIZES = (1_000_000, 2_000_000, 5_000_000)
FULL = (*SIZES, 50_000_000)  # some 20 minutes and 40 GB


def run(sizes: Sequence[int] = SIZES) -> dict[str, Any]:
    """``{"figures", "ratios"}``: milliseconds, 95 of 100 reads, and seconds to make the crossings."""
    found = {size: _measured(size) for size in sizes}
    figures: dict[str, float] = {}
    for size, outcome in found.items():
        name = f"{size // 1_000_000}_million"
        slowest = {kind: _p95(times) for kind, times in outcome["times"].items()}
        figures |= {f"{kind}_p95_ms_at_{name}": value for kind, value in slowest.items()}
        everything = [time for times in outcome["times"].values() for time in times]
        figures |= {f"read_p95_ms_at_{name}": _p95(everything), f"filled_s_at_{name}": round(outcome["filled"])}
    kinds = found[sizes[0]]["times"]
    plots.growth(
        "reads",
        sizes,
        {kind: [_p95(found[size]["times"][kind]) for size in sizes] for kind in kinds},
        title="Officers' reads",
        x="crossings in the journal",
        y="95th percentile (ms)",
    )
    first, last = (figures[f"read_p95_ms_at_{size // 1_000_000}_million"] for size in (sizes[0], sizes[-1]))
    return {"figures": figures, "ratios": {f"reads_at_1_vs_{sizes[-1] // 1_000_000}_million": round(first / last, 2)}}


def run_full() -> dict[str, Any]:
    """The same at fifty million crossings besides."""
    return run(FULL)


def _measured(size: int) -> dict[str, Any]:
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as directory,
        pinned.database(contenders.URL, "bench_reads") as url,
        pinned.database_aside(contenders.URL),
    ):
        environment = {
            "DEBUG": "0",
            "CAUSEWAY_DATA_DIR": directory,
            "DJANGO_SETTINGS_MODULE": "idp.settings",
            "DATABASE_URL": url,
            "SIZE": str(size),
        }
        command = ["taskset", "-c", str(pinned.SERVER), sys.executable, "-m", "bench.reads_node"]
        done = subprocess.run(command, env={**os.environ, **environment}, check=True, stdout=subprocess.PIPE)
    outcome: dict[str, Any] = json.loads(done.stdout)
    return outcome


def _p95(times: Sequence[float]) -> float:
    return round(statistics.quantiles(times, n=20)[-1], 2)
