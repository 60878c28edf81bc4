"""Axes whose ticks a person can read: steps of 1, 2 or 5 times a power of ten, from zero on."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

MOST_TICKS = 6


@dataclass(frozen=True)
class Axis:
    """From 0 to the last of ``ticks``."""

    ticks: tuple[float, ...]

    @classmethod
    def over(cls, values: Iterable[float]) -> "Axis":
        """The shortest axis that has all ``values``, which are not negative; whole ticks where all are whole."""
        found = list(values)
        top = max(found, default=0)
        step = _step(top / (MOST_TICKS - 1))
        if all(map(whole, found)):
            step = max(1, step)
        count = max(1, math.ceil(top / step - 1e-9))
        digits = max(0, -math.floor(math.log10(step)))
        return cls(tuple(round(number * step, digits) for number in range(count + 1)))

    def share(self, value: float) -> float:
        """Where ``value`` lies between the axis' ends, 0 to 1."""
        return min(1.0, max(0.0, value / self.ticks[-1]))


def whole(value: float) -> bool:
    """Whether it is a count."""
    return float(value).is_integer()


def _step(least: float) -> float:
    """The smallest of 1, 2 and 5 times a power of ten that is not below ``least``; 1 where there is nothing."""
    if least <= 0:
        return 1
    power = 10.0 ** math.floor(math.log10(least))
    return next((lead * power for lead in (1, 2, 5) if lead * power >= least * (1 - 1e-9)), 10 * power)
