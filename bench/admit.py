"""What a durable admission costs, beside the least that durability costs. Run: python -m bench.admit

An admission (`Store.admit`) consumes the token and writes the chained journal entry in one synced transaction. The bare
cost is one row of the same size inserted in one synced transaction by sqlite3 itself, on the same file system. Both
are measured in turns, a few of each at a time, so that whatever else the disk does meets both alike.
"""

import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from idp.checkpoint.store import Store

ROUNDS, BURST = 120, 10
NOW = 1_800_000_000
CHECKPOINT = "https://idp.hk.example/checkpoints/lo-wu"


def run(directory: Path | None = None) -> dict[str, Any]:
    """``{"figures", "ratios"}``: medians in microseconds, and the rate of admissions over the rate of bare inserts.

    ``directory``: where the files are made; a temporary one beside the project's own data otherwise.
    """
    place = Path("var") if directory is None else directory
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place, prefix="bench-") as name:
        return _measured(Path(name))


def _measured(directory: Path) -> dict[str, Any]:
    store = Store(directory / "gate.sqlite3", lambda: NOW)
    bare = _bare(directory / "bare.sqlite3")
    ours: list[float] = []
    theirs: list[float] = []
    number = 0

    def admit() -> None:
        nonlocal number
        number += 1
        store.admit(_fields(number))

    for _ in range(BURST):
        admit()
        bare()
    for turn in range(ROUNDS):  # each goes first in half of the turns
        for call, times in ((admit, ours), (bare, theirs))[:: 1 if turn % 2 else -1]:
            times.extend(_times(call))
    store.close()
    admission, insert = statistics.mean(ours), statistics.mean(theirs)  # rates: checkpoints of the log count too
    return {
        "figures": {
            "admit_us": round(statistics.median(ours), 1),
            "admit_p99_us": round(statistics.quantiles(ours, n=100)[98], 1),
            "bare_us": round(statistics.median(theirs), 1),
            "bare_p99_us": round(statistics.quantiles(theirs, n=100)[98], 1),
            "admit_over_bare": round(admission / insert, 2),
            "admits_per_second": round(1e6 / admission),
            "bare_per_second": round(1e6 / insert),
            "admits": len(ours),
        },
        "ratios": {"admit_vs_bare_insert": round(insert / admission, 3)},
    }


def _times(call: Callable[[], None]) -> list[float]:
    found = []
    for _ in range(BURST):
        begun = time.perf_counter_ns()
        call()
        found.append((time.perf_counter_ns() - begun) / 1e3)
    return found


def _bare(path: Path) -> Callable[[], None]:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE rows (number INTEGER PRIMARY KEY, content TEXT NOT NULL)")
    content = json.dumps({**_fields(0), "prev": "x" * 43})

    def insert() -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO rows (content) VALUES (?)", (content,))
        connection.execute("COMMIT")

    return insert


def _fields(number: int) -> dict[str, Any]:
    return {
        "checkpoint": CHECKPOINT,
        "lane": "1",
        "at": NOW,
        "jti": f"{number:022d}",
        "iss": "https://idp.cn.example",
        "sub": "pairwise-subject-of-a-traveller",
        "direction": "entry",
        "decision": "admit",
        "reason": "",
        "score_band": "high",
        "bundle_serial": 7,
    }


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
