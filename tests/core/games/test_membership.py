"""Membership: its measures, its threshold and its intervals."""

import pytest
import torch
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from torch import tensor

from safecompress_core.games.attack_result import LowFprRate, Unresolvable
from safecompress_core.games.manifest import MEMBERSHIP
from safecompress_core.games.membership import MembershipGame
from tests.core.fixtures.answers import gaussian, judged_membership, membership


def test_always_saying_member_reads_one_half_whatever_the_pools() -> None:
    """900 members and 100 non-members: plain accuracy would read 0.9, as in the papers' code."""
    asked = membership(torch.ones(1000), 900)

    result = judged_membership(asked, asked, threshold=0.0)

    assert result.correct.mean() == 0.9
    assert result.accuracy.value == 0.5
    assert result.advantage.value == 0.0
    assert result.auc is not None
    assert result.auc.value == 0.5


def test_membership_measures_are_scikit_learns() -> None:
    """Balanced accuracy at the threshold, area under the curve, and what follows from them."""
    known, asked = gaussian(300, 200), gaussian(250, 400, seed=1)

    result = judged_membership(known, asked)

    scores, truth = asked.scores.numpy(), asked.truth.numpy()
    accuracy = balanced_accuracy_score(truth, scores > result.threshold)
    assert result.accuracy.value == pytest.approx(accuracy)
    assert result.advantage.value == pytest.approx(2 * accuracy - 1)
    assert result.auc is not None
    assert result.auc.value == pytest.approx(roc_auc_score(truth, scores))
    assert result.advantage.low < result.advantage.value < result.advantage.high
    assert (result.members, result.non_members, len(result)) == (250, 400, 650)


def test_the_threshold_comes_from_attack_train_alone() -> None:
    """It stays where it is when the scores that are reported move."""
    known = membership(tensor([3.0, 4.0, 0.0, 1.0]), 2)
    asked = membership(tensor([13.0, 14.0, 10.0, 11.0]), 2)

    result = judged_membership(known, asked)

    assert result.threshold == 2.0
    assert result.accuracy.value == 0.5
    assert result.auc is not None
    assert result.auc.value == 1.0


def test_an_attackers_own_threshold_is_taken() -> None:
    """A score of exactly the threshold does not count as a member."""
    asked = membership(tensor([0.5, 0.6, 0.5, 0.4]), 2)

    result = judged_membership(asked, asked, threshold=0.5)

    assert result.correct.tolist() == [False, True, True, True]


def test_an_attack_that_is_worse_than_a_coin_has_no_advantage() -> None:
    """Advantage is in [0, 1], and so is its interval."""
    asked = gaussian(200, 200, gap=-2.0)

    result = judged_membership(asked, asked, threshold=0.0)

    assert result.accuracy.value < 0.3
    assert result.advantage.interval == (0.0, 0.0)


def test_the_interval_of_advantage_covers_the_truth_as_often_as_it_says() -> None:
    """Threshold ½ between N(1, 1) and N(0, 1): the advantage is 2Φ(½) − 1 = 0.3829 (500 pools)."""
    covered = 0
    for seed in range(500):
        asked = gaussian(60, 90, seed=seed)
        result = MembershipGame(MEMBERSHIP).measure_scores(
            asked,
            asked,
            threshold=0.5,
            confidence=0.9,
        )
        covered += result.advantage.low <= 0.38292 <= result.advantage.high

    assert covered / 500 == pytest.approx(0.9, abs=0.045)  # 3.3 standard errors


def test_rates_that_a_pool_cannot_resolve_say_so() -> None:
    """With 1,200 non-members 10 % and 1 % can be read, 0.1 % cannot."""
    asked = gaussian(300, 1200)

    ten, one, tenth = judged_membership(asked, asked).operating_points

    assert isinstance(ten, LowFprRate)
    assert isinstance(one, LowFprRate)
    assert one.fpr.value <= 0.01 < one.fpr.high
    assert one.tpr.low < one.tpr.value < one.tpr.high
    assert one.tpr.value < ten.tpr.value
    assert tenth == Unresolvable(0.001, 1200)
