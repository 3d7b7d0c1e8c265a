"""Interval of the true-positive rate at a limit on false positives."""

import numpy as np
import pytest
from scipy.stats import beta, binom, binomtest, norm

from safecompress_core.stats.low_fpr import _radius, tpr_interval
from safecompress_core.stats.roc import tpr_at_fpr

MEMBERS, NON_MEMBERS = 60, 200


@pytest.fixture(scope="module")
def scores() -> np.ndarray:
    """Scores of members, around 1, and of non-members, around 0, with a few ties."""
    generator = np.random.default_rng(3)
    return np.round(generator.normal(np.repeat([1.0, 0.0], [MEMBERS, NON_MEMBERS])), 1)


IS_MEMBER = np.arange(MEMBERS + NON_MEMBERS) < MEMBERS


def test_both_errors_fail_together_as_often_as_the_confidence_says() -> None:
    """A million pairs of normal deviates against the radius that is solved for."""
    first, second = np.random.default_rng(0).normal(size=(2, 1_000_000))
    radius = _radius(0.95)

    fails = (first > radius) | (second > radius)
    fails |= (first > 0) & (second > 0) & (np.hypot(first, second) > radius)

    assert fails.mean() == pytest.approx(0.05, abs=0.001)


def test_the_low_end_is_the_lowest_over_all_thresholds(scores: np.ndarray) -> None:
    """One threshold after the other, with scipy's distributions."""
    interval = tpr_interval(scores, IS_MEMBER, max_fpr=0.1)

    radius, ends = _radius(0.95), []
    for threshold in np.unique(scores):
        hits = int((scores[IS_MEMBER] >= threshold).sum())
        below = np.unique(scores)[np.unique(scores) < threshold]
        next_ = below[-1] if len(below) else -np.inf
        errors_at_next = int((scores[~IS_MEMBER] >= next_).sum())
        first = max(-norm.ppf(binom.cdf(errors_at_next, NON_MEMBERS, 0.1)), 0.0)
        if first < radius:
            tail = norm.cdf(-np.sqrt(radius**2 - first**2))
            ends.append(beta.ppf(tail, hits, MEMBERS - hits + 1) if hits else 0.0)
    assert interval.low == pytest.approx(min(ends))


def test_it_holds_the_rate_and_is_wider_than_if_the_threshold_were_known(
    scores: np.ndarray,
) -> None:
    """Members alone give Clopper and Pearson's interval, which is inside."""
    point = tpr_at_fpr(scores, IS_MEMBER, max_fpr=0.1)
    interval = tpr_interval(scores, IS_MEMBER, max_fpr=0.1)

    exact = binomtest(point.true_positives, MEMBERS).proportion_ci(0.95)
    assert interval.value == point.tpr
    assert interval.low < exact.low < point.tpr < exact.high < interval.high


def test_only_the_order_of_scores_counts(scores: np.ndarray) -> None:
    """So that an attack may use any unit."""
    assert tpr_interval(np.exp(scores), IS_MEMBER, max_fpr=0.1) == tpr_interval(
        scores, IS_MEMBER, max_fpr=0.1
    )
