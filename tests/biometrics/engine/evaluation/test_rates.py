"""Error rates and what may be claimed from them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.biometrics.engine.evaluation import rates
from idp.biometrics.engine.evaluation.rates import NotClaimed
from idp.biometrics.engine.evaluation.tally import BINS, Tally

SCORES = st.lists(st.integers(0, 512), min_size=1, max_size=60).map(lambda values: np.array(values) / 512)


def tally(*scores: float, at: float = 0.5) -> Tally:
    counted = Tally([at])
    counted.add(np.array(scores, dtype=float))
    return counted


def test_score_at_the_threshold_is_a_match() -> None:
    """The policy admits from the threshold on: an impostor exactly there is a false match, a traveller is none."""
    at = tally(0.5)
    assert rates.fmr(at, 0.5).value == 1.0 and rates.fnmr(at, 0.5).value == 0.0
    above = 0.5 + 1 / BINS
    assert rates.fmr(at, above).value == 0.0 and rates.fnmr(at, above).value == 1.0


@pytest.mark.parametrize(
    "errors, trials, low, high",
    [
        (1, 100, 0.000253, 0.054459),
        (50, 100, 0.398321, 0.601679),
        (100, 100, 0.963783, 1.0),
        (2, 1000, 0.000242, 0.007206),
    ],
)
def test_interval_is_that_of_clopper_and_pearson(errors: int, trials: int, low: float, high: float) -> None:
    """An interval by the normal distribution goes below nothing."""
    found = rates.rate(errors, trials)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-6)


def test_no_error_is_not_the_rate_zero() -> None:
    """The rule of three (ISO/IEC 19795-1)."""
    assert (rates.rate(0, 3000).low, rates.rate(0, 3000).high) == (0.0, 0.001)
    assert rates.rate(0, 2).high == 1.0


def test_nothing_tried_says_nothing() -> None:
    found = rates.rate(0, 0)
    assert (found.value, found.low, found.high) == (None, 0.0, 1.0)


@given(genuine=SCORES, impostor=SCORES, place=st.integers(0, BINS))
def test_rates_add_up_with_a_plain_count(genuine: np.ndarray, impostor: np.ndarray, place: int) -> None:
    threshold = place / BINS
    assert rates.fmr(tally(*impostor), threshold).errors == sum(score >= threshold for score in impostor)
    assert rates.fnmr(tally(*genuine), threshold).errors == sum(score < threshold for score in genuine)


@given(errors=st.integers(0, 30), trials=st.integers(1, 30))
def test_intervals_of_a_curve_are_those_of_its_points(errors: int, trials: int) -> None:
    """The band of a plot was another one than the table's."""
    errors = min(errors, trials)
    low, high = rates.intervals(np.arange(trials + 1), trials)
    found = rates.rate(errors, trials)
    assert (low[errors], high[errors]) == (found.low, found.high)
    assert found.low <= errors / trials <= found.high


@given(genuine=SCORES, impostor=SCORES)
def test_equal_error_rate_lies_between_the_two(genuine: np.ndarray, impostor: np.ndarray) -> None:
    found = rates.eer(tally(*genuine), tally(*impostor))
    assert found is not None and 0 <= found <= 1
    if genuine.min() > impostor.max():
        assert found == 0
    if genuine.max() < impostor.min():
        assert found == 1


def test_equal_error_rate_of_known_scores() -> None:
    assert rates.eer(tally(0.4, 0.6, 0.7, 0.8), tally(0.1, 0.2, 0.3, 0.5)) == 0.25
    assert rates.eer(tally(0.4), tally()) is None


def test_claim_from_too_few_comparisons_is_refused() -> None:
    """FMR 1e-4 from a thousand comparisons without error."""
    with pytest.raises(NotClaimed, match="30,000") as refused:
        rates.threshold_for(tally(*np.zeros(29_999)), 1e-4)
    assert refused.value.missing == 1
    assert rates.threshold_for(tally(*np.zeros(30_000)), 1e-4) > 0


def test_claim_is_refused_when_impostors_have_the_highest_score() -> None:
    """One picture filed under two names: no threshold keeps it out, and one above 1 would keep everybody out."""
    with pytest.raises(NotClaimed, match="two names") as refused:
        rates.threshold_for(tally(*np.zeros(400), 1.0), 1e-2)
    assert refused.value.missing == 0


@given(impostor=st.integers(0, 2**32 - 1), target=st.sampled_from([0.5, 0.1, 0.05]))
def test_threshold_keeps_the_rate_with_confidence_and_is_the_lowest(impostor: int, target: float) -> None:
    """The proportion alone says 1 % of 100 comparisons, and the truth may be five."""
    scores = np.round(0.99 * np.random.default_rng(impostor).random(200), 2)  # several 1.0 are the case above
    counted = tally(*scores)
    threshold = rates.threshold_for(counted, target)
    assert rates.fmr(counted, threshold).high <= target
    assert rates.fmr(counted, threshold - 1 / BINS).high > target
