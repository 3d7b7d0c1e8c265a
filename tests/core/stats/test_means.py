"""Intervals of means, held against scipy's tests."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp, ttest_rel

from safecompress_core.stats.means import (
    bounded_mean,
    error_mean,
    hits_difference,
    mean_difference,
    prediction_interval,
    relative_reduction,
)

GENERATOR = np.random.default_rng(5)
SHARES = GENERATOR.uniform(0.2, 0.9, size=30)
OTHERS = np.clip(SHARES - GENERATOR.uniform(-0.1, 0.3, size=30), 0, 1)


def test_a_bounded_mean_counts_one_more_value_at_either_bound() -> None:
    """Student's interval of 32 values about the mean of 30."""
    interval = bounded_mean(SHARES)

    expected = ttest_1samp([*SHARES, 0.0, 1.0], 0).confidence_interval(0.95)
    assert interval.value == pytest.approx(SHARES.mean())
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))


def test_values_that_are_all_alike_are_no_certainty() -> None:
    """Ten perfect scores do not exclude an imperfect one."""
    interval = bounded_mean(np.ones(10))

    assert (interval.value, interval.high) == (1.0, 1.0)
    assert 0.5 < interval.low < 1.0


def test_a_difference_is_of_the_same_samples() -> None:
    """The interval is the paired test's."""
    interval = mean_difference(SHARES, OTHERS)

    expected = ttest_rel(SHARES, OTHERS).confidence_interval(0.95)
    assert interval.value == pytest.approx(SHARES.mean() - OTHERS.mean())
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))


def test_a_difference_of_hits_counts_a_discordant_pair_of_either_kind() -> None:
    """Hand-worked: 6 pairs for the first, 2 for the second, 12 agree."""
    first = np.array([1] * 6 + [0] * 2 + [1] * 12, dtype=bool)
    second = np.array([0] * 6 + [1] * 2 + [1] * 12, dtype=bool)

    interval = hits_difference(first, second)

    pairs = [1] * 7 + [-1] * 3 + [0] * 12
    expected = ttest_1samp(pairs, 0).confidence_interval(0.95)
    assert interval.value == pytest.approx(4 / 20)
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))


def test_the_ends_of_a_reduction_are_the_ratios_that_a_paired_test_just_keeps() -> None:
    """Fieller's definition: at either end, loss − ratio · baseline has p = 0.05."""
    baseline = GENERATOR.uniform(1.0, 3.0, size=40)
    losses = 0.6 * baseline + GENERATOR.normal(0, 0.3, size=40)

    interval = relative_reduction(losses, baseline)

    assert interval.value == pytest.approx(1 - losses.mean() / baseline.mean())
    for end in (interval.low, interval.high):
        assert ttest_1samp(losses - (1 - end) * baseline, 0).pvalue == pytest.approx(0.05)


def test_a_baseline_without_loss_leaves_nothing_to_gain() -> None:
    """And one that may be 0 bounds nothing."""
    found = relative_reduction(np.array([0.0, 1.0, 2.0]), np.zeros(3))

    assert (found.value, found.low, found.high) == (0.0, 0.0, 1.0)


def test_the_high_end_of_an_error_is_on_the_logarithm() -> None:
    """The low end is Student's; errors of 0 are certain."""
    errors = np.array([0.1, 0.2, 0.4, 0.3, 1.0])

    interval = error_mean(errors)

    low = ttest_1samp(errors, 0).confidence_interval(0.95).low
    half = errors.mean() - low
    assert interval.low == pytest.approx(max(low, 0))
    assert np.log(interval.high / interval.value) == pytest.approx(half / errors.mean())
    assert error_mean(np.zeros(4)).high == 0.0


def test_one_more_value_lies_in_the_interval_as_often_as_it_says() -> None:
    """Of 4,000 samples of three normal values, with the fourth: 95 % within, give or take 1 %."""
    samples = np.random.default_rng(3).normal(5, 2, size=(4000, 4))

    ends = np.array([prediction_interval(sample[:3]) for sample in samples])

    inside = (ends[:, 0] <= samples[:, 3]) & (samples[:, 3] <= ends[:, 1])
    assert inside.mean() == pytest.approx(0.95, abs=0.01)


def test_of_two_values_the_interval_is_eleven_differences_wide_on_either_side() -> None:
    """By hand: 12.7062 is t's quantile at one degree of freedom, and sqrt(3 / 4) the factor."""
    low, high = prediction_interval(np.array([0.0, 1.0]))

    assert (low, high) == pytest.approx((0.5 - 12.7062 * 0.75**0.5, 0.5 + 12.7062 * 0.75**0.5))
