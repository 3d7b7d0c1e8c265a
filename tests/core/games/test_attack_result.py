"""The result of an attack: figures and JSON."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from safecompress_core.games.attack_result import (
    AttackResult,
    LowFprRate,
    UnitResult,
    Unresolvable,
    rescale_to_advantage,
)
from safecompress_core.stats.intervals import Estimate
from safecompress_core.stats.resampling import Resampling
from safecompress_core.stats.roc import OperatingPoint
from tests.core.fixtures.answers import judged_membership, membership

MEMBERS = np.array([True] * 4 + [False] * 2)
HALF = Estimate(0.5, 0.4, 0.6)


def made_by_hand(game: str, **figures: Any) -> AttackResult:
    """A result of six samples with these figures; all others say nothing."""
    content = {
        "accuracy": HALF,
        "auc": None,
        "advantage": HALF,
        "baseline": 0.5,
        "correct": MEMBERS,
        "is_member": MEMBERS,
    }
    return AttackResult(game=game, **(content | figures))


def test_advantage_is_the_gain_over_the_baseline_rescaled() -> None:
    """Halfway from baseline to perfect is 0.5; below the baseline, or where it is perfect, 0."""
    gains = rescale_to_advantage(np.array([0.9, 0.8, 0.7, 1.0]), np.array([0.8, 0.8, 0.8, 1.0]))

    assert gains.tolist() == pytest.approx([0.5, 0.0, 0.0, 0.0])


def test_advantages_of_units_are_drawn_by_unit() -> None:
    """One less the quotient of mean losses, by hand; a draw without anything to lose gains 0."""
    result = UnitResult(
        game="inversion",
        units="classes",
        count=3,
        baseline=0.4,
        advantage=Estimate(0.5, 0.0, 1.0),
        losses=np.array([0.1, 0.3, 0.2]),
        baseline_losses=np.array([0.4, 0.4, 0.0]),
    )
    draws = Resampling(np.array([[1, 1, 1], [3, 0, 0], [0, 0, 3], [0, 2, 1]], dtype=np.int32))

    assert result.advantages(draws).tolist() == pytest.approx([0.25, 0.75, 0.0, 0.0])
    assert result.accuracies(draws).tolist() == pytest.approx([0.625, 0.875, 0.5, 0.5])
    assert (result.accuracy.value, *result.accuracy.interval) == (0.75, 0.5, 1.0)


def test_units_without_losses_cannot_be_drawn() -> None:
    """A game of a plugin may leave them out, and then compares no candidates."""
    result = UnitResult(game="pairs", units="pairs", count=3, baseline=0.5, advantage=HALF)

    with pytest.raises(ValueError, match="a result of pairs has no losses"):
        result.advantages(Resampling(np.ones((2, 3), dtype=np.int32)))


def test_membership_advantages_weigh_both_sides_alike() -> None:
    """TPR − FPR in every draw, by hand: draw 0 holds each sample once, draw 1 only some."""
    result = made_by_hand(
        "membership",
        correct=np.array([True, True, True, False, True, False]),
        is_balanced=True,
        threshold=0.0,
    )
    weights = np.array([[1, 1, 1, 1, 1, 1], [2, 2, 0, 0, 2, 0], [0, 0, 0, 4, 0, 2]], dtype=np.int32)

    advantages = result.advantages(Resampling(weights))

    assert advantages.tolist() == pytest.approx([3 / 4 - 1 / 2, 1.0, 0.0])


def test_attribute_advantages_move_with_the_baseline_of_the_draw() -> None:
    """(accuracy − baseline) / (1 − baseline) where both are measured on the same draw."""
    result = made_by_hand(
        "attribute",
        baseline=1 / 3,
        correct=np.array([True, True, True, False, True, False]),
        lift=HALF,
        baseline_correct=np.array([True, False, False, False, False, True]),
    )
    weights = np.array([[1, 1, 1, 1, 1, 1], [1, 3, 0, 0, 0, 2]], dtype=np.int32)

    advantages = result.advantages(Resampling(weights))

    assert advantages.tolist() == pytest.approx([(4 / 6 - 2 / 6) / (4 / 6), (4 / 6 - 3 / 6) / 0.5])


def _two_attacks(members: int, others: int, *, decimals: int = 1) -> np.ndarray:
    """Scores (2, N) of two attacks that share half of their noise; rounded, so that some tie."""
    rng = np.random.default_rng(7)
    signal = np.outer([0.9, 0.5], np.arange(members + others) < members)
    shared, own = rng.normal(size=members + others), rng.normal(size=(2, members + others))
    return (signal + (shared + own) / np.sqrt(2)).round(decimals)


def _result_of(scores: np.ndarray, members: int) -> AttackResult:
    asked = membership(torch.as_tensor(scores), members)
    return judged_membership(asked, asked, threshold=0.0)


def _delong_covariance(scores: np.ndarray, members: int) -> np.ndarray:
    """Covariance (2, 2) of two AUCs pair by pair, as DeLong et al. write it (m × n kernels)."""
    inside, outside = scores[:, :members, None], scores[:, None, members:]
    kernel = (inside > outside) + 0.5 * (inside == outside)  # (2, m, n)
    return np.cov(kernel.mean(axis=2)) / members + np.cov(kernel.mean(axis=1)) / kernel.shape[2]


def test_variance_of_auc_draws_is_delongs_and_so_is_that_of_a_paired_difference() -> None:
    """20,000 draws estimate a variance to within 1 %; dependence of the attacks is in it."""
    members, others = 60, 90
    scores = _two_attacks(members, others)
    first, second = (_result_of(row, members) for row in scores)
    resampling = Resampling.draw_stratified(
        first.is_member, draws=20_000, generator=np.random.default_rng(1)
    )
    draws = np.stack([first.aucs(resampling), second.aucs(resampling)])

    wanted = _delong_covariance(scores, members)

    assert draws.var(axis=1) == pytest.approx(np.diag(wanted), rel=0.06)
    paired = wanted[0, 0] + wanted[1, 1] - 2 * wanted[0, 1]
    assert (draws[0] - draws[1]).var() == pytest.approx(paired, rel=0.06)
    assert paired < 0.8 * np.trace(wanted)


def test_auc_draws_agree_with_pools_that_are_ranked_anew() -> None:
    """On the same draws scikit-learn's AUC has the same mean and correlates with it at .98."""
    members, others = 60, 90
    scores = _two_attacks(members, others)[0]
    result = _result_of(scores, members)
    resampling = Resampling.draw_stratified(
        result.is_member, draws=300, generator=np.random.default_rng(2)
    )

    ranked_anew = np.array(
        [
            roc_auc_score(result.is_member, scores, sample_weight=weights)
            for weights in resampling.weights
        ]
    )
    draws = result.aucs(resampling)

    error = ranked_anew.std() / np.sqrt(len(resampling))
    assert abs(draws.mean() - ranked_anew.mean()) < 3 * error
    assert np.corrcoef(draws, ranked_anew)[0, 1] > 0.98
    assert draws.std() == pytest.approx(ranked_anew.std(), rel=0.03)


def test_a_draw_of_each_sample_once_has_the_auc_of_the_pool() -> None:
    """Placements lie in the pool's order, wherever its members are."""
    is_member = torch.tensor([False, True, True, False, True])
    asked = replace(
        membership(torch.tensor([0.1, 0.9, 0.4, 0.4, 0.3]), 0),
        truth=is_member,
        is_member=is_member,
    )
    result = judged_membership(asked, asked, threshold=0.0)

    assert result.placements is not None
    assert result.placements.tolist() == pytest.approx([1.0, 1.0, 0.75, 0.5, 0.5])
    assert result.auc is not None
    once = Resampling(np.ones((1, 5), dtype=np.int32))
    assert result.aucs(once).tolist() == pytest.approx([result.auc.value])


def test_a_result_without_placements_has_no_auc_draws() -> None:
    """Other games rank no members against non-members."""
    result = made_by_hand("evasion")

    with pytest.raises(ValueError, match="a result of evasion has no placements"):
        result.aucs(Resampling(np.ones((1, 6), dtype=np.int32)))


def test_json_is_strict_and_holds_no_samples() -> None:
    """An infinite threshold becomes null, and every documented key is there."""
    point = OperatingPoint(0.1, np.inf, 0.0, 0.0, 0, 0, 4, 200)
    result = made_by_hand(
        "membership",
        threshold=-np.inf,
        operating_points=(LowFprRate(point, HALF, HALF), Unresolvable(0.01, 200)),
    )

    document = json.loads(json.dumps(result.to_json(), allow_nan=False))

    assert document["game"] == "membership"
    assert (document["n"], document["members"], document["non_members"]) == (6, 4, 2)
    assert document["advantage_interval"] == [0.4, 0.6]
    assert document["auc"] is None
    assert document["threshold"] is None
    low, unresolved = document["operating_points"]
    assert (low["tpr"], low["interval"], low["threshold"]) == (0.5, [0.4, 0.6], None)
    assert unresolved["note"] == "not resolvable with n = 200 non-members"
    assert "lift" not in document
