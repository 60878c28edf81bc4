"""Buckets of lengths: none is lost, and a percentile is off by no more than it says."""

import math

from hypothesis import given
from hypothesis import strategies as st

from idp.border.figures.buckets import LAST, LOWER, bucket, filled, percentile

LENGTHS = st.lists(st.integers(1, 1 << 23), min_size=1, max_size=40)


@given(length=st.integers(0, 1 << 40))
def test_a_length_lies_in_another_bucket(length: int) -> None:
    number = bucket(length)
    assert 0 <= number <= LAST
    assert number == 0 or LOWER[number] <= length
    assert number == LAST or length < LOWER[number + 1]


@given(lengths=LENGTHS, share=st.sampled_from([50, 95, 99]))
def test_a_percentile_is_off_by_more_than_a_fifth(lengths: list[int], share: int) -> None:
    true = sorted(lengths)[math.ceil(len(lengths) * share / 100) - 1]
    counts = filled((length, 1) for length in lengths)
    told = percentile(counts, share)
    assert sum(counts.values()) == len(lengths)
    assert told is not None and true * 0.99 <= told <= max(1.2, true * 1.2)


def test_nothing_has_a_percentile() -> None:
    assert percentile({}, 50) is None
