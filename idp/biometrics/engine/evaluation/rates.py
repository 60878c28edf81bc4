"""Error rates of comparisons, with what is known of them (ISO/IEC 19795-1:2021).

A comparison matches when its score reaches the threshold. FMR: the proportion of impostor comparisons that match; FNMR:
of genuine ones that do not. Intervals are exact for independent comparisons (Clopper and Pearson); those that share a
person are not independent, so the true interval is wider.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from idp.biometrics.engine.evaluation.tally import BINS, Tally, threshold_of

CONFIDENCE: Final = 0.95
RULE_OF_THREE: Final = 3.0  # no error in n comparisons: at 95 % the rate is at most 3 / n

Numbers = NDArray[np.float64]


class NotClaimed(RuntimeError):
    """A false match rate is not borne out by the comparisons; ``missing``: how many more it takes at least."""

    def __init__(self, why: str, *, missing: int = 0) -> None:
        super().__init__(why)
        self.missing = missing


@dataclass(frozen=True)
class Rate:
    """``errors`` of ``trials``, and the interval in which the true proportion lies with `CONFIDENCE`."""

    errors: int
    trials: int
    low: float
    high: float

    @property
    def value(self) -> float | None:
        """The proportion; None where nothing was tried."""
        return self.errors / self.trials if self.trials else None


def rate(errors: int, trials: int) -> Rate:
    """The rate with its two-sided interval; with no error at all the upper end is the rule of three's (one-sided)."""
    if not 0 <= errors <= trials:
        raise ValueError(f"{errors} errors of {trials}")
    if trials == 0:
        return Rate(0, 0, 0.0, 1.0)
    low, high = intervals(np.array([errors]), trials)
    return Rate(errors, trials, float(low[0]), float(high[0]))


def intervals(errors: NDArray[np.int64], trials: int) -> tuple[Numbers, Numbers]:
    """Both ends of `rate`'s interval for each of ``errors``, float64 like it."""
    tail = (1 - CONFIDENCE) / 2
    none, all_ = errors == 0, errors == trials
    low = np.where(none, 0.0, betaincinv(np.maximum(errors, 1), trials - errors + 1, tail))
    high = np.where(all_, 1.0, betaincinv(errors + 1, np.maximum(trials - errors, 1), 1 - tail))
    return low, np.where(none, min(1.0, RULE_OF_THREE / trials), high)


def fmr(impostor: Tally, threshold: float) -> Rate:
    """False match rate at ``threshold``."""
    return rate(impostor.reaching(threshold), impostor.size)


def fnmr(genuine: Tally, threshold: float) -> Rate:
    """False non-match rate at ``threshold``."""
    return rate(genuine.size - genuine.reaching(threshold), genuine.size)


def eer(genuine: Tally, impostor: Tally) -> float | None:
    """Where FMR and FNMR meet: the mean of the two at the threshold where they differ least; None without either."""
    if not genuine.size or not impostor.size:
        return None
    false_match = impostor.above() / impostor.size
    false_non_match = 1 - genuine.above() / genuine.size
    place = int(np.argmin(np.abs(false_match - false_non_match)))
    return float(false_match[place] + false_non_match[place]) / 2


def needed(target: float) -> int:
    """How many impostor comparisons a claim of FMR ``target`` takes: none may match, by the rule of three."""
    return int(np.ceil(RULE_OF_THREE / target - 1e-9))


def short(target: float) -> str:
    """A false match rate as profiles are named: "1e-4"."""
    return f"{target:.0e}".replace("e-0", "e-")


def threshold_for(impostor: Tally, target: float) -> float:
    """The lowest threshold of the grid at which FMR is at most ``target``, with confidence. Raises `NotClaimed`.

    With confidence: the upper end of the interval is what must not exceed it, and not the proportion itself.
    """
    size = impostor.size
    if size < needed(target):
        why = f"{needed(target):,} impostor comparisons are needed for FMR {short(target)}, there are {size:,}"
        raise NotClaimed(why, missing=needed(target) - size)
    fits, over = 0, int(target * size) + 1  # errors: this many fit, that many do not
    while over - fits > 1:
        middle = (fits + over) // 2
        if rate(middle, size).high <= target:
            fits = middle
        else:
            over = middle
    step = int(np.argmax(impostor.above() <= fits))
    if step >= BINS:  # only equal templates would match
        why = f"more than {fits} impostor comparisons have the highest score: is somebody in it under two names?"
        raise NotClaimed(why)
    return threshold_of(step)
