"""Lengths of time in buckets: four to each doubling, so that a percentile is told to within a fifth.

Bucket 0 has what is below 2, whatever the unit; the last has everything longer. Buckets of hours can be added up,
which percentiles cannot.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping

PER_DOUBLING = 4
LAST = 23 * PER_DOUBLING  # from 2^23 on: two hours in milliseconds, three months in seconds
LOWER = tuple(2 ** (number / PER_DOUBLING) for number in range(LAST + 1))


def bucket(length: float) -> int:
    """The bucket of ``length``, in whole units."""
    return max(0, bisect_right(LOWER, length) - 1)


def filled(lengths: Iterable[tuple[int, int]]) -> Mapping[int, int]:
    """Counts by bucket, of lengths with their counts."""
    found: dict[int, int] = defaultdict(int)
    for length, count in lengths:
        found[bucket(length)] += count
    return found


def percentile(counts: Mapping[int, int], share: int) -> float | None:
    """The length that ``share`` per cent do not reach or just reach: the end of its bucket, three digits of it.

    None where nothing was counted. The true one is at most a fifth shorter; longer only in the last bucket.
    """
    total = sum(counts.values())
    below = 0
    for number in sorted(counts):
        below += counts[number]
        if below * 100 >= share * total:
            return float(f"{LOWER[min(number + 1, LAST)]:.3g}")
    return None
