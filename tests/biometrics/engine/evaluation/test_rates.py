"""Error rates and what may be claimed from them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.biometrics.engine.evaluation import rates
from idp.biometrics.engine.evaluation.rates import TooFew

SCORES = st.lists(st.floats(0, 1, width=16), min_size=1, max_size=60).map(lambda values: np.array(values, dtype=float))


def test_score_at_the_threshold_is_a_match() -> None:
    """The policy admits from the threshold on: an impostor exactly there is a false match, a traveller is none."""
    at = np.array([0.5])
    assert rates.fmr(at, 0.5).value == 1.0 and rates.fnmr(at, 0.5).value == 0.0
    above = float(np.nextafter(0.5, 1))
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


@given(genuine=SCORES, impostor=SCORES)
def test_rates_add_up_with_a_plain_count(genuine: np.ndarray, impostor: np.ndarray) -> None:
    thresholds = np.unique(np.concatenate([genuine, impostor, [0.0, 1.1]]))
    false_match, false_non_match = rates.curve(genuine, impostor, thresholds)
    for place, threshold in enumerate(thresholds):
        assert false_match[place] == sum(score >= threshold for score in impostor) / impostor.size
        assert false_match[place] == rates.fmr(impostor, threshold).value
        assert false_non_match[place] == rates.fnmr(genuine, threshold).value


@given(genuine=SCORES, impostor=SCORES)
def test_equal_error_rate_lies_between_the_two(genuine: np.ndarray, impostor: np.ndarray) -> None:
    found = rates.eer(genuine, impostor)
    assert found is not None and 0 <= found <= 1
    if genuine.min() > impostor.max():
        assert found == 0
    if genuine.max() < impostor.min():
        assert found == 1


def test_equal_error_rate_of_known_scores() -> None:
    genuine, impostor = np.array([0.4, 0.6, 0.7, 0.8]), np.array([0.1, 0.2, 0.3, 0.5])
    assert rates.eer(genuine, impostor) == 0.25
    assert rates.eer(genuine, np.empty(0)) is None


def test_claim_from_too_few_comparisons_is_refused() -> None:
    """FMR 1e-4 from a thousand comparisons without error."""
    with pytest.raises(TooFew, match="30000"):
        rates.threshold_for(np.zeros(29_999), 1e-4)
    assert rates.threshold_for(np.zeros(30_000), 1e-4) > 0


@given(impostor=st.integers(0, 2**32 - 1), target=st.sampled_from([0.5, 0.1, 0.05]))
def test_threshold_keeps_the_rate_with_confidence_and_is_the_lowest(impostor: int, target: float) -> None:
    """The proportion alone says 1 % of 100 comparisons, and the truth may be five."""
    scores = np.round(np.random.default_rng(impostor).random(200), 2)
    threshold = rates.threshold_for(scores, target)
    assert rates.fmr(scores, threshold).high <= target
    lower = scores[scores < threshold]
    assert lower.size
    assert rates.fmr(scores, float(lower.max())).high > target
