"""What a judgement says to others."""

import json

import numpy as np
import pytest

from safecompress_core.games.attack_result import (
    AttackResult,
    LowFprRate,
    Unresolvable,
    rescale_to_advantage,
)
from safecompress_core.stats.intervals import Estimate
from safecompress_core.stats.resampling import Resampling
from safecompress_core.stats.roc import OperatingPoint

MEMBERS = np.array([True] * 4 + [False] * 2)
HALF = Estimate(0.5, 0.4, 0.6)


def test_advantage_is_the_gain_over_the_baseline_rescaled() -> None:
    """Halfway from baseline to perfect is 0.5; below the baseline, or where it is perfect, 0."""
    gains = rescale_to_advantage(np.array([0.9, 0.8, 0.7, 1.0]), np.array([0.8, 0.8, 0.8, 1.0]))

    assert gains.tolist() == pytest.approx([0.5, 0.0, 0.0, 0.0])


def test_membership_advantages_weigh_both_sides_alike() -> None:
    """TPR − FPR in every draw, by hand: draw 0 holds each sample once, draw 1 only some."""
    result = AttackResult(
        game="membership",
        accuracy=HALF,
        auc=None,
        advantage=HALF,
        baseline=0.5,
        correct=np.array([True, True, True, False, True, False]),
        is_member=MEMBERS,
        is_balanced=True,
        threshold=0.0,
    )
    weights = np.array([[1, 1, 1, 1, 1, 1], [2, 2, 0, 0, 2, 0], [0, 0, 0, 4, 0, 2]], dtype=np.int32)

    advantages = result.advantages(Resampling(weights))

    assert advantages.tolist() == pytest.approx([3 / 4 - 1 / 2, 1.0, 0.0])


def test_attribute_advantages_move_with_the_baseline_of_the_draw() -> None:
    """(accuracy − baseline) / (1 − baseline) where both are measured on the same draw."""
    result = AttackResult(
        game="attribute",
        accuracy=HALF,
        auc=None,
        advantage=HALF,
        baseline=1 / 3,
        correct=np.array([True, True, True, False, True, False]),
        is_member=MEMBERS,
        lift=HALF,
        baseline_correct=np.array([True, False, False, False, False, True]),
    )
    weights = np.array([[1, 1, 1, 1, 1, 1], [1, 3, 0, 0, 0, 2]], dtype=np.int32)

    advantages = result.advantages(Resampling(weights))

    assert advantages.tolist() == pytest.approx([(4 / 6 - 2 / 6) / (4 / 6), (4 / 6 - 3 / 6) / 0.5])


def test_json_is_strict_and_holds_no_samples() -> None:
    """An infinite threshold becomes null, and every documented key is there."""
    point = OperatingPoint(0.1, np.inf, 0.0, 0.0, 0, 0, 4, 200)
    result = AttackResult(
        game="membership",
        accuracy=HALF,
        auc=None,
        advantage=HALF,
        baseline=0.5,
        correct=MEMBERS,
        is_member=MEMBERS,
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
