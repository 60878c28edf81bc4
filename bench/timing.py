"""Taking times: warm up, then each step by itself; and two contenders in turn, so that both meet the same machine."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence

WARM_UP = 5

Step = Callable[[int], object]


def timed(step: Step, rounds: int) -> list[float]:
    """Milliseconds of ``step(0)``, ``step(1)``, …"""
    for i in range(WARM_UP):
        step(i)
    return [_one(step, i) for i in range(rounds)]


def in_turn(steps: Mapping[str, Step], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each of ``steps``, taken one after the other in every round."""
    for i in range(WARM_UP):
        for step in steps.values():
            step(i)
    times: dict[str, list[float]] = {name: [] for name in steps}
    for i in range(rounds):
        for name, step in steps.items():
            times[name].append(_one(step, i))
    return times


def summary(times: Sequence[float]) -> dict[str, float]:
    """Median and 95th percentile."""
    ninety_fifth = statistics.quantiles(times, n=20)[-1]
    return {"median_ms": round(statistics.median(times), 3), "p95_ms": round(ninety_fifth, 3)}


def _one(step: Step, i: int) -> float:
    begun = time.perf_counter()
    step(i)
    return 1000 * (time.perf_counter() - begun)
