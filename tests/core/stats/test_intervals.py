"""Intervals against scipy, published tables, slow references and the bootstrap."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binomtest, mannwhitneyu, norm, t
from sklearn.metrics import roc_auc_score

from safecompress_core.errors import PoolError
from safecompress_core.stats import intervals
from safecompress_core.stats.intervals import Estimate
from safecompress_core.stats.roc import placements

counts = st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def delong_by_pairs(
    scores: NDArray[np.float64], is_member: NDArray[np.bool_], confidence: float
) -> Estimate:
    """Placements of DeLong et al. 1988, pair by pair, with two samples added to a side."""
    beyond = np.array([scores.max() + 1, scores.min() - 1])
    members, others = (np.concatenate([scores[side], beyond]) for side in (is_member, ~is_member))
    wins = (members[:, None] > others) + 0.5 * (members[:, None] == others)
    by_member, by_other = wins.mean(axis=1), wins.mean(axis=0)
    parts = by_member.var(ddof=1) / len(members), by_other.var(ddof=1) / len(others)
    degrees = sum(parts) ** 2 / (
        parts[0] ** 2 / (len(members) - 1) + parts[1] ** 2 / (len(others) - 1)
    )
    half = t.ppf(0.5 + confidence / 2, degrees) * sqrt(sum(parts))
    area = roc_auc_score(is_member, scores)
    low, high = min(wins.mean() - half, area), max(wins.mean() + half, area)
    return Estimate(area, max(low, 0), min(high, 1))


@given(counts, st.sampled_from([0.8, 0.95, 0.999]))
def test_clopper_pearson_is_scipys_exact_interval(
    counted: tuple[int, int], confidence: float
) -> None:
    """For every count, none and all included."""
    estimate = intervals.clopper_pearson(*counted, confidence=confidence)

    exact = binomtest(*counted).proportion_ci(confidence, method="exact")
    assert estimate.value == counted[0] / counted[1]
    assert estimate.interval == pytest.approx((exact.low, exact.high))


@given(
    st.lists(st.integers(0, 6), min_size=2, max_size=25),
    st.lists(st.integers(0, 6), min_size=2, max_size=25),
    st.sampled_from([0.9, 0.999]),
)
def test_the_interval_of_the_area_is_delongs_with_two_samples_more_a_side(
    members: list[int], others: list[int], confidence: float
) -> None:
    """Against counting pair by pair, under heavy ties."""
    scores = np.array([*members, *others], dtype=np.float64)
    is_member = np.arange(len(scores)) < len(members)
    slow = delong_by_pairs(scores, is_member, confidence)

    fast = intervals.auc_interval(scores, is_member, confidence=confidence)

    assert fast.value == pytest.approx(slow.value)
    if 0 < slow.value < 1:
        assert fast.interval == pytest.approx(slow.interval, abs=1e-9)


def test_the_interval_of_the_area_is_as_wide_as_the_bootstraps() -> None:
    """Two normal populations, 150 + 250 samples, 2,000 stratified bootstrap draws."""
    generator = np.random.default_rng(18)
    members, others = generator.normal(0.7, 1, 150), generator.normal(0, 1.3, 250)
    is_member = np.arange(400) < 150
    areas = [
        placements(
            np.concatenate([generator.choice(members, 150), generator.choice(others, 250)]),
            is_member,
        )[0].mean()
        for _ in range(2000)
    ]

    estimate = intervals.auc_interval(np.concatenate([members, others]), is_member)

    low, high = np.quantile(areas, [0.025, 0.975])
    assert estimate.interval == pytest.approx((low, high), abs=0.008)


def test_perfect_separation_is_not_certainty() -> None:
    """Ten members above ten others: as sure as ten successes out of ten."""
    scores = np.arange(20.0)

    upward = intervals.auc_interval(scores, scores >= 10)
    downward = intervals.auc_interval(scores, scores < 10)

    assert upward == intervals.clopper_pearson(10, 10)
    assert upward.low < 0.7
    assert downward.interval == (0.0, pytest.approx(1 - upward.low))


@given(
    st.lists(st.integers(0, 6), min_size=2, max_size=25),
    st.lists(st.integers(0, 6), min_size=2, max_size=25),
    st.sampled_from([0.5, 0.9, 0.99]),
)
def test_the_null_interval_misses_one_half_where_mann_whitney_rejects(
    members: list[int], others: list[int], confidence: float
) -> None:
    """Scipy's test, with its correction for ties, says the same of every pool."""
    scores = np.array([*members, *others], dtype=np.float64)
    is_member = np.arange(len(scores)) < len(members)

    estimate = intervals.null_auc_interval(scores, is_member, confidence=confidence)

    if len(np.unique(scores)) == 1:
        assert estimate == Estimate(0.5, 0.5, 0.5)
        return
    p_value = mannwhitneyu(members, others, use_continuity=False, method="asymptotic").pvalue
    assert (estimate.low <= 0.5 <= estimate.high) == (p_value >= 1 - confidence)


def test_the_null_interval_keeps_its_word_in_small_pools() -> None:
    """Ten samples a side: at 0.99 it misses 0.5 no oftener than 1 %."""
    generator = np.random.default_rng(18)
    is_member = np.arange(20) < 10
    draws = [generator.normal(size=20) for _ in range(4000)]

    ends = [
        intervals.null_auc_interval(scores, is_member, confidence=0.99).interval for scores in draws
    ]

    missed = sum(not low <= 0.5 <= high for low, high in ends) / len(ends)
    assert missed < 0.01 + 3.3 * sqrt(0.01 * 0.99 / 4000)


def test_an_interval_needs_two_samples_a_side() -> None:
    """One member has no spread."""
    with pytest.raises(PoolError, match="at least 2 members and 2 non-members"):
        intervals.auc_interval(np.arange(5.0), np.arange(5) == 0)
    with pytest.raises(PoolError, match="at least one sample"):
        intervals.clopper_pearson(0, 0)


def test_the_macro_area_is_scikit_learns_mean_of_one_against_the_rest() -> None:
    """On posteriors of three values, with about the interval that the bootstrap gives."""
    generator = np.random.default_rng(18)
    truth = generator.choice(3, 300, p=[0.5, 0.3, 0.2])
    scores = generator.dirichlet(np.ones(3), 300) + 0.3 * np.eye(3)[truth]
    scores /= scores.sum(axis=1, keepdims=True)

    estimate = intervals.macro_auc_interval(scores, truth)

    assert estimate is not None
    assert estimate.value == pytest.approx(roc_auc_score(truth, scores, multi_class="ovr"))
    draws = []
    for _ in range(500):
        drawn = generator.integers(300, size=300)
        drawn_estimate = intervals.macro_auc_interval(scores[drawn], truth[drawn])
        assert drawn_estimate is not None
        draws.append(drawn_estimate.value)
    assert estimate.interval == pytest.approx(tuple(np.quantile(draws, [0.025, 0.975])), abs=0.015)


def test_scores_that_all_tie_are_no_certainty() -> None:
    """Of a label-only attack that is right about everybody: the next sample may be another's."""
    estimate = intervals.auc_interval(np.ones(40), np.arange(40) < 20)

    assert estimate.value == 0.5
    assert 0.3 < estimate.low < 0.46
    assert estimate.high == pytest.approx(1 - estimate.low)


def test_the_macro_area_is_undefined_for_one_value_and_skips_absent_ones() -> None:
    """Value 2 never occurs; where only value 0 occurs there is nothing to rank."""
    scores = np.array([[0.6, 0.2, 0.2], [0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.2, 0.7, 0.1]])

    some = intervals.macro_auc_interval(scores, np.array([0, 0, 1, 1]))

    assert some is not None
    assert some.value == 1.0
    assert intervals.macro_auc_interval(scores, np.zeros(4, dtype=np.int64)) is None


def two_scores(
    members: int, *, generator: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Return two correlated scores of one pool, of AUC Φ(0.7 / √2) and Φ(0.4 / √2)."""
    is_member = np.arange(2 * members) < members
    shared = generator.normal(size=2 * members)
    noise = generator.normal(scale=0.6, size=(2, 2 * members))
    scale = sqrt(1 + 0.6**2)
    first, second = (
        (shared + own) / scale + distance * is_member
        for own, distance in zip(noise, (0.7, 0.4), strict=True)
    )
    return first, second, is_member


def test_the_difference_of_two_areas_has_delongs_covariance() -> None:
    """Placements of DeLong et al. 1988, pair by pair: the variance of their differences."""
    first, second, is_member = two_scores(40, generator=np.random.default_rng(1))
    wins = [
        (scores[is_member][:, None] > scores[~is_member]).astype(float)
        for scores in (first, second)
    ]
    by_member, by_other = (wins[0].mean(axis) - wins[1].mean(axis) for axis in (1, 0))
    parts = by_member.var(ddof=1) / 40, by_other.var(ddof=1) / 40
    degrees = sum(parts) ** 2 / sum(part**2 / 39 for part in parts)
    half = t.ppf(0.975, degrees) * sqrt(sum(parts))

    found = intervals.auc_difference_interval(first, second, is_member)

    areas = [roc_auc_score(is_member, scores) for scores in (first, second)]
    assert found.value == pytest.approx(areas[0] - areas[1])
    assert found.interval == pytest.approx((found.value - half, found.value + half))


def test_the_difference_of_two_areas_covers_the_truth() -> None:
    """In 95 % of 600 pools of 60 samples a side."""
    generator = np.random.default_rng(2)
    truth = norm.cdf(0.7 / sqrt(2)) - norm.cdf(0.4 / sqrt(2))

    found = [
        intervals.auc_difference_interval(*two_scores(60, generator=generator)) for _ in range(600)
    ]

    covered = np.mean([one.low <= truth <= one.high for one in found])
    assert 0.92 <= covered <= 0.98


def test_scores_that_rank_alike_do_not_differ() -> None:
    """Whatever their scale: there is nothing uncertain about it."""
    first, _, is_member = two_scores(20, generator=np.random.default_rng(3))

    found = intervals.auc_difference_interval(first, np.exp(first), is_member)

    assert found == Estimate(0.0, 0.0, 0.0)


def test_a_difference_needs_two_samples_a_side() -> None:
    """One has no variance."""
    with pytest.raises(PoolError, match="at least 2 members"):
        intervals.auc_difference_interval(np.arange(3), np.arange(3), np.array([True, False, True]))
