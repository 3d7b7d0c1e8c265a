"""ROC measures against scikit-learn and brute force, with ties wherever they can be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from safecompress_core.errors import PoolError
from safecompress_core.stats import roc

Sides = tuple[NDArray[np.float64], NDArray[np.bool_]]


@st.composite
def tied(draw: st.DrawFn, *, fewest: int = 1) -> Sides:
    """Scores of at most eight values, for some members and some non-members, in any order."""
    score = st.sampled_from([-2.5, -1.0, 0.0, 0.0625, 0.5, 0.75, 1.0, 3.0])
    members = draw(st.lists(score, min_size=fewest, max_size=30))
    others = draw(st.lists(score, min_size=fewest, max_size=30))
    order = draw(st.permutations(range(len(members) + len(others))))
    scores = np.array(members + others)[order]
    return scores, (np.arange(len(scores)) < len(members))[order]


@given(tied(), st.booleans())
def test_a_point_of_the_curve_counts_the_samples_at_or_above_its_threshold(
    sides: Sides,
    is_infinite: bool,
) -> None:
    """One point for a whole block of ties, falling from infinity; infinite scores are scores."""
    scores, is_member = sides
    if is_infinite:
        scores = np.select([scores == 3, scores == -1], [np.inf, -np.inf], scores)

    curve = roc.roc_curve(scores, is_member)

    assert curve.thresholds.tolist() == [np.inf, *sorted(set(scores.tolist()), reverse=True)]
    for positives, side in ((curve.true_positives, is_member), (curve.false_positives, ~is_member)):
        counts = [int((scores[side] >= threshold).sum()) for threshold in curve.thresholds[1:]]
        assert positives.tolist() == [0, *counts]
    np.testing.assert_array_equal(curve.tpr, curve.true_positives / is_member.sum())
    np.testing.assert_array_equal(curve.fpr, curve.false_positives / (~is_member).sum())


@given(tied())
def test_the_area_is_scikit_learns(sides: Sides) -> None:
    """Ties count half."""
    scores, is_member = sides

    expected = pytest.approx(roc_auc_score(is_member, scores))
    for side in roc.placements(scores, is_member):
        assert side.mean() == expected


@given(tied(fewest=5), st.sampled_from([0.1, 0.3, 0.5, 1.0]))
def test_tpr_at_fpr_is_the_best_of_all_thresholds_that_keep_to_the_limit(
    sides: Sides, max_fpr: float
) -> None:
    """Against trying every threshold, on pools that are large enough to resolve the limit."""
    scores, is_member = (np.tile(part, 20) for part in sides)
    thresholds = [np.inf, *scores]

    point = roc.tpr_at_fpr(scores, is_member, max_fpr=max_fpr)

    rates = [
        (np.mean(scores[~is_member] >= t), np.mean(scores[is_member] >= t)) for t in thresholds
    ]
    assert point.tpr == max(tpr for fpr, tpr in rates if fpr <= max_fpr)
    assert point.fpr == np.mean(scores[~is_member] >= point.threshold) <= max_fpr
    assert point.true_positives == (scores[is_member] >= point.threshold).sum()
    assert point.false_positives == (scores[~is_member] >= point.threshold).sum()


def test_a_block_of_ties_that_breaks_the_limit_is_left_out_whole() -> None:
    """100 non-members, 11 of them tied with the best members: 10 % FPR allows none of them."""
    scores = np.array([1.0] * 50 + [1.0] * 11 + [0.0] * 89)
    is_member = np.arange(150) < 50

    point = roc.tpr_at_fpr(scores, is_member, max_fpr=0.1)

    assert (point.tpr, point.fpr, point.threshold) == (0.0, 0.0, np.inf)
    scores[60] = 0.0  # ten of a hundred are allowed
    point = roc.tpr_at_fpr(scores, is_member, max_fpr=0.1)
    assert (point.tpr, point.fpr, point.false_positives) == (1.0, 0.1, 10)


@pytest.mark.parametrize(("max_fpr", "needed"), [(0.1, 100), (0.01, 1000), (0.001, 10_000)])
def test_a_limit_that_allows_under_ten_errors_is_not_resolvable(
    max_fpr: float, needed: int
) -> None:
    """One non-member fewer than 10 / max_fpr is one too few."""
    scores = np.arange(needed + 5.0)
    is_member = np.arange(needed + 5) < 5

    assert roc.tpr_at_fpr(scores, is_member, max_fpr=max_fpr).fpr <= max_fpr
    with pytest.raises(PoolError, match=f"not resolvable with n = {needed - 1} non-members"):
        roc.tpr_at_fpr(scores[:-1], is_member[:-1], max_fpr=max_fpr)


@given(tied())
def test_the_calibrated_threshold_has_the_best_balanced_accuracy(sides: Sides) -> None:
    """No other threshold does better on the samples that it is chosen on."""
    scores, is_member = sides

    threshold = roc.calibrate_threshold(scores, is_member)

    reached = balanced_accuracy_score(is_member, scores > threshold)
    candidates = [-np.inf, *scores]
    best = max(balanced_accuracy_score(is_member, scores > t) for t in candidates)
    assert reached == pytest.approx(best)


def test_the_calibrated_threshold_lies_in_the_middle_of_its_gap() -> None:
    """Between the lowest member and the highest non-member."""
    assert roc.calibrate_threshold(np.array([0.0, 1, 4, 6]), np.array([0, 0, 1, 1])) == 2.5


@pytest.mark.parametrize(
    ("low", "high"),
    [(1.0, np.nextafter(1.0, 2.0)), (-np.inf, np.inf), (-1.7e308, 1.7e308), (-np.inf, 0.0)],
)
def test_the_calibrated_threshold_parts_even_the_closest_and_the_farthest_scores(
    low: float, high: float
) -> None:
    """Neither rounding nor infinity puts it on the wrong side."""
    threshold = roc.calibrate_threshold(np.array([low, high]), np.array([False, True]))

    assert low <= threshold < high


def test_nobody_is_called_a_member_where_scores_say_nothing() -> None:
    """A constant score has no threshold that beats a coin."""
    assert roc.calibrate_threshold(np.zeros(6), np.arange(6) < 3) == 0.0


def test_one_kind_of_sample_has_no_curve() -> None:
    """Members alone cannot be told from anybody."""
    with pytest.raises(PoolError, match="3 members and 0 non-members"):
        roc.placements(np.arange(3.0), np.ones(3, dtype=bool))


def test_scores_that_are_not_numbers_are_refused() -> None:
    """NaN sorts somewhere, and would silently count."""
    with pytest.raises(ValueError, match="1 of 2 scores are not numbers"):
        roc.roc_curve(np.array([0.0, np.nan]), np.array([True, False]))
