"""Calibrated risk against posteriors in closed form, and its independence of a record's truth."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.calibration import calibration_curve

from safecompress_core.errors import PoolError
from safecompress_core.stats.record_risk import FOLDS, RiskCalibration, draw_folds


def normal_scores(
    members: int, non_members: int, *, shift: float, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores N(shift, 1) of members and N(0, 1) of others, membership, and the true posterior."""
    generator = np.random.default_rng(seed)
    is_member = np.arange(members + non_members) < members
    scores = generator.normal(size=len(is_member)) + shift * is_member
    return scores, is_member, expit(shift * scores - shift**2 / 2)


def risks(scores: np.ndarray, is_member: np.ndarray, *, seed: int = 1) -> np.ndarray:
    """The calibrated risk of each record."""
    folds = draw_folds(is_member, generator=np.random.default_rng(seed))
    return RiskCalibration.fit(scores, is_member, folds=folds).risk(scores)


@pytest.mark.parametrize(("members", "non_members"), [(2000, 2000), (600, 3400)])
@pytest.mark.parametrize("shift", [0.0, 1.0, 2.0])
def test_it_is_the_posterior_at_a_prior_of_one_half(
    members: int, non_members: int, shift: float
) -> None:
    """Of two normal distributions the posterior is a logistic curve, whatever the pool's sizes."""
    scores, is_member, posterior = normal_scores(members, non_members, shift=shift)

    assert np.abs(risks(scores, is_member) - posterior).mean() < 0.04


def test_of_records_with_a_risk_of_r_a_share_r_are_members() -> None:
    """Reliability by scikit-learn's curve, in ten bins of equally many records."""
    scores, is_member, _ = normal_scores(4000, 4000, shift=1.5)

    observed, predicted = calibration_curve(
        is_member, risks(scores, is_member), n_bins=10, strategy="quantile"
    )

    np.testing.assert_allclose(observed, predicted, atol=0.05)


def test_an_attack_without_information_exposes_nobody() -> None:
    """In small pools as well, where the highest scores are all members' by chance."""
    for seed in range(20):
        scores, is_member, _ = normal_scores(60, 60, shift=0.0, seed=seed)
        found = risks(scores, is_member, seed=seed)
        assert found.max() < 0.95
        assert np.median(found) == pytest.approx(0.5, abs=0.2)


def test_a_records_own_membership_has_no_influence_on_its_risk() -> None:
    """Cross-fitting: with the truth of one record changed, the risk of its fold is the same."""
    scores, is_member, _ = normal_scores(100, 100, shift=1.0)
    folds = draw_folds(is_member, generator=np.random.default_rng(1))
    changed = is_member.copy()
    changed[7] = False

    before, after = (
        RiskCalibration.fit(scores, truth, folds=folds).risk(scores)
        for truth in (is_member, changed)
    )

    same_fold = folds == folds[7]
    np.testing.assert_array_equal(before[same_fold], after[same_fold])
    assert (before[~same_fold] != after[~same_fold]).any()


def test_only_the_order_of_scores_counts() -> None:
    """Infinite ones included, and ties have one risk within a fold."""
    scores, is_member, _ = normal_scores(200, 200, shift=1.0)
    extreme = np.where(scores > 2, np.inf, scores)

    np.testing.assert_array_equal(risks(scores, is_member), risks(np.exp(scores), is_member))
    assert np.isfinite(risks(extreme, is_member)).all()


def test_inverted_scores_give_the_same_risks() -> None:
    """An adversary can negate them."""
    scores, is_member, _ = normal_scores(200, 200, shift=1.5)

    np.testing.assert_allclose(risks(-scores, is_member), risks(scores, is_member))


def test_a_higher_score_of_a_record_is_never_a_lower_risk() -> None:
    """So an interval of scores is one of risks."""
    scores, is_member, _ = normal_scores(80, 80, shift=1.0)
    folds = draw_folds(is_member, generator=np.random.default_rng(1))
    calibration = RiskCalibration.fit(scores, is_member, folds=folds)

    ladder = np.stack([calibration.risk(scores + step) for step in np.linspace(-3, 3, 25)])

    assert (np.diff(ladder, axis=0) >= 0).all()


def test_three_members_at_the_top_are_no_certainty() -> None:
    """By hand: leaving one fold of two out, (1 + …) of the top block and the added non-member."""
    is_member = np.arange(8) < 4
    scores = np.array([9.0, 8.0, 7.0, 6.0, 4.0, 3.0, 2.0, 1.0])
    folds = np.arange(8) % 2

    found = RiskCalibration.fit(scores, is_member, folds=folds).risk(scores)

    # Two members of the other fold and the added non-member above them: 2 of 3.
    np.testing.assert_allclose(found[:3], 2 / 3)
    np.testing.assert_allclose(found[-2:], 1 / 3)


def test_folds_split_both_sides_evenly() -> None:
    """And there are fewer of them where a side has few records."""
    is_member = np.arange(43) < 12
    folds = draw_folds(is_member, generator=np.random.default_rng(0))

    for side in (is_member, ~is_member):
        counts = np.bincount(folds[side], minlength=FOLDS)
        assert counts.max() - counts.min() <= 1
    few = draw_folds(np.arange(20) < 3, generator=np.random.default_rng(0))
    assert few.max() == 2


def test_one_side_alone_is_refused() -> None:
    """Nothing can be calibrated."""
    with pytest.raises(PoolError):
        RiskCalibration.fit(np.arange(4.0), np.ones(4, dtype=bool), folds=np.arange(4) % 2)
