"""Scores counted and not kept, so that five billion comparisons take no more memory than five.

A score in [0, 1] is counted by the step of a grid that it has reached; `BINS` is a power of two, so that a score
falls on its step exactly. At a threshold *on the grid* the number of scores that reach it is therefore exact. Other
thresholds, those in force, are named beforehand and counted for themselves.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

BINS: Final = 1 << 18  # steps of 0.000004: finer than any difference between scores that means something

Scores = NDArray[np.float64]
Counts = NDArray[np.int64]


class Tally:
    """How many scores reached each threshold of the grid, and each of ``at``."""

    def __init__(self, at: Sequence[float] = ()) -> None:
        self.counts: Counts = np.zeros(BINS + 1, dtype=np.int64)  # by the highest step that the score reached
        self._at = {threshold: 0 for threshold in at}

    @property
    def size(self) -> int:
        """How many scores were added."""
        return int(self.counts.sum())

    def add(self, scores: Scores) -> None:
        """Count ``scores``, float64 of any shape. Raises ValueError for one outside [0, 1]."""
        if not scores.size:
            return
        if not (scores.min() >= 0 and scores.max() <= 1):  # also where one is no number
            raise ValueError("a score lies in [0, 1]")
        steps = (scores * BINS).astype(np.int32)  # exact: multiplied by a power of two, then cut off
        lowest = int(steps.min())
        found = np.bincount(steps.ravel() - lowest)
        self.counts[lowest : lowest + found.size] += found
        for threshold in self._at:
            self._at[threshold] += int(np.count_nonzero(scores >= threshold))

    def reaching(self, threshold: float) -> int:
        """How many scores are at least ``threshold``: exact. Raises ValueError for one that was not counted."""
        if threshold in self._at:
            return self._at[threshold]
        step = threshold * BINS
        if step != int(step):
            raise ValueError(f"{threshold} is neither on the grid nor named beforehand")
        return int(self.counts[max(0, int(step)) :].sum())

    def above(self) -> Counts:
        """How many scores reach each step of the grid, and a last 0 for none: int64 (BINS + 2,)."""
        return np.append(np.cumsum(self.counts[::-1])[::-1], 0)


def threshold_of(step: int) -> float:
    """The threshold at a place of `Tally.above`; the last lies above every score."""
    return step / BINS
