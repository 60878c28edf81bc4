"""Counting without keeping: nothing that a threshold decides may come out otherwise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.biometrics.engine.evaluation.tally import BINS, Tally, threshold_of

SCORES = st.lists(st.floats(0, 1), max_size=40)


@given(parts=st.lists(SCORES, max_size=4), place=st.integers(0, BINS), named=st.floats(0, 1))
def test_count_is_that_of_the_scores_themselves(parts: list[list[float]], place: int, named: float) -> None:
    """A score beside a step, or a threshold that lies between two, was counted on the wrong side."""
    counted = Tally([named])
    for part in parts:
        counted.add(np.array(part, dtype=float))
    scores = [score for part in parts for score in part]
    assert counted.size == len(scores)
    for threshold in (place / BINS, named):
        assert counted.reaching(threshold) == sum(score >= threshold for score in scores)
    assert counted.above()[place] == counted.reaching(threshold_of(place))


def test_scores_on_both_sides_of_a_step() -> None:
    step = 0.5
    counted = Tally()
    counted.add(np.array([[np.nextafter(step, 0), step, np.nextafter(step, 1)]]))
    assert (counted.reaching(step), counted.reaching(step + 1 / BINS)) == (2, 0)


def test_nothing_reaches_beyond_the_highest_score() -> None:
    counted = Tally()
    counted.add(np.array([1.0, 0.0]))
    assert counted.above().tolist()[-2:] == [1, 0]
    assert counted.reaching(threshold_of(BINS + 1)) == 0


@pytest.mark.parametrize("score", [-0.001, 1.001, float("nan")])
def test_what_is_no_score_is_not_counted(score: float) -> None:
    """An engine whose scores go from -1 to 1 would be reported as if half of them were 0."""
    counted = Tally()
    with pytest.raises(ValueError, match="lies in"):
        counted.add(np.array([0.5, score]))
    assert counted.size == 0


def test_threshold_that_was_not_counted_is_not_guessed() -> None:
    with pytest.raises(ValueError, match="grid"):
        Tally([0.7]).reaching(0.1)
