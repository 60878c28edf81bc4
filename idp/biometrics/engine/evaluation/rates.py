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

CONFIDENCE: Final = 0.95
RULE_OF_THREE: Final = 3.0  # no error in n comparisons: at 95 % the rate is at most 3 / n

Scores = NDArray[np.float64]


class TooFew(RuntimeError):
    """There are not the comparisons that a claim needs."""


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
    tail = (1 - CONFIDENCE) / 2
    low = 0.0 if errors == 0 else float(betaincinv(errors, trials - errors + 1, tail))
    if errors == 0:
        return Rate(errors, trials, low, min(1.0, RULE_OF_THREE / trials))
    high = 1.0 if errors == trials else float(betaincinv(errors + 1, trials - errors, 1 - tail))
    return Rate(errors, trials, low, high)


def fmr(impostor: Scores, threshold: float) -> Rate:
    """False match rate at ``threshold``."""
    return rate(int(np.count_nonzero(impostor >= threshold)), impostor.size)


def fnmr(genuine: Scores, threshold: float) -> Rate:
    """False non-match rate at ``threshold``."""
    return rate(int(np.count_nonzero(genuine < threshold)), genuine.size)


def eer(genuine: Scores, impostor: Scores) -> float | None:
    """Where FMR and FNMR meet: the mean of the two at the threshold where they differ least; None without either."""
    if not genuine.size or not impostor.size:
        return None
    thresholds = np.unique(np.concatenate([genuine, impostor]))
    thresholds = np.append(thresholds, np.nextafter(thresholds[-1], np.inf))
    false_match, false_non_match = curve(genuine, impostor, thresholds)
    place = int(np.argmin(np.abs(false_match - false_non_match)))
    return float(false_match[place] + false_non_match[place]) / 2


def curve(genuine: Scores, impostor: Scores, thresholds: Scores) -> tuple[Scores, Scores]:
    """FMR and FNMR at each of ``thresholds``: what a DET plot shows."""
    above = impostor.size - np.searchsorted(np.sort(impostor), thresholds, side="left")
    below = np.searchsorted(np.sort(genuine), thresholds, side="left")
    return above / max(1, impostor.size), below / max(1, genuine.size)


def needed(target: float) -> int:
    """How many impostor comparisons a claim of FMR ``target`` takes: none may match, by the rule of three."""
    return int(np.ceil(RULE_OF_THREE / target - 1e-9))


def threshold_for(impostor: Scores, target: float) -> float:
    """The lowest threshold at which FMR is at most ``target``, with confidence. Raises `TooFew`.

    With confidence: the upper end of the interval is what must not exceed it, and not the proportion itself.
    """
    if impostor.size < needed(target):
        raise TooFew(f"{needed(target)} impostor comparisons are needed for FMR {target:g}, there are {impostor.size}")
    falling = np.sort(impostor)[::-1]
    fits, over = 0, int(target * impostor.size) + 1  # errors: this many fit, that many do not
    while over - fits > 1:
        middle = (fits + over) // 2
        if rate(middle, impostor.size).high <= target:
            fits = middle
        else:
            over = middle
    # Just above the first score that must not match; equal ones match or not together.
    return float(np.nextafter(falling[fits], np.inf))
