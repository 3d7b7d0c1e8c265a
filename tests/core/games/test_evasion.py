"""Evasion: what counts as an attack's success, and what an evader is given."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import binomtest
from torch import Tensor

from safecompress_core.api import EvasionAttackerParams
from safecompress_core.attacks.adversary import AdversaryKnowledge, Evader, PerturbationBudget
from safecompress_core.attacks.observed_pool import ObservedPool
from safecompress_core.games.evasion import EvasionGame
from safecompress_core.games.manifest import EVASION
from safecompress_core.stats.resampling import Resampling

Play = Callable[..., Any]

IS_MEMBER = np.arange(30) < 10
UNSEEN = 20


def resampling(draws: int = 400) -> Resampling:
    """Of a pool of 10 members and 20 non-members."""
    return Resampling.draw_stratified(IS_MEMBER, draws=draws, generator=np.random.default_rng(0))


def first(count: int) -> np.ndarray:
    """The first of the non-members."""
    return np.arange(UNSEEN) < count


def test_evasion_counts_what_noise_leaves_right_and_the_attack_does_not() -> None:
    """Hand-worked: 16 right, 12 under noise, 3 under attack: 9 of the 12 are lost."""
    result = EvasionGame(EVASION).measure(
        first(16),
        first(3),
        first(12),
        is_member=IS_MEMBER,
        facts={"norm": "linf", "epsilon": 0.1},
    )
    document = result.to_json()

    assert result.advantage.value == pytest.approx(9 / 12)
    assert document["robust_accuracy"] == pytest.approx(3 / 20)
    exact = binomtest(3, 20).proportion_ci(0.95)
    assert document["robust_accuracy_interval"] == pytest.approx([exact.low, exact.high])
    assert document["success"] == pytest.approx(13 / 16)
    assert (document["n"], document["members"], document["non_members"]) == (20, 0, 20)
    assert "auc" not in document
    assert "accuracy" not in document
    low, high = document["advantage_interval"]
    assert 0 < low < 9 / 12 < high <= 1


def test_evasion_is_compared_on_the_draws_that_everything_else_is_compared_on() -> None:
    """Bootstrap draws of the advantage are those of its rates on non-members alone."""
    draws = resampling()
    result = EvasionGame(EVASION).measure(
        first(16), first(3), first(12), is_member=IS_MEMBER, facts={}
    )
    weights = draws.weights[:, ~IS_MEMBER]
    left, noisy = weights[:, :3].sum(axis=1), weights[:, :12].sum(axis=1)

    assert result.advantages(draws) == pytest.approx(1 - left / noisy)
    assert result.accuracies(draws) == pytest.approx(1 - left / UNSEEN)


def test_an_attack_no_better_than_noise_has_no_advantage() -> None:
    """Errors that random noise also causes are no success of the attack."""
    result = EvasionGame(EVASION).measure(
        first(16), first(12), first(12), is_member=IS_MEMBER, facts={}
    )

    assert (result.advantage.value, result.advantage.low) == (0.0, 0.0)
    assert 0 < result.advantage.high < 0.25  # two of 20 more could differ


class Still(Evader):
    """Moves nothing."""

    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        self.known = known

    def perturb(
        self,
        knowledge: AdversaryKnowledge,
        budget: PerturbationBudget,
        *,
        generator: torch.Generator,
    ) -> Tensor:
        self.asked = knowledge
        return knowledge.seen.inputs


class Far(Still):
    """Moves too far."""

    def perturb(
        self,
        knowledge: AdversaryKnowledge,
        budget: PerturbationBudget,
        *,
        generator: torch.Generator,
    ) -> Tensor:
        return 1 - knowledge.seen.inputs


def test_an_evader_holds_and_is_asked_about_non_members_alone(
    sights: tuple[ObservedPool, ObservedPool],
    played: Play,
) -> None:
    """Robustness is read on the test set."""
    attacker = Still()
    found = played(attacker, "evasion", EvasionAttackerParams(epsilon=0.1), sights)

    known, asked = sights
    assert torch.equal(attacker.known.seen.inputs, known.unseen.inputs)
    assert torch.equal(attacker.asked.seen.inputs, asked.unseen.inputs)
    right = (asked.unseen.predictions == asked.unseen.labels).double().mean()
    document = found.to_json()
    assert document["robust_accuracy"] == document["clean_accuracy"] == pytest.approx(float(right))
    assert document["success"] == 0
    assert (document["norm"], document["epsilon"]) == ("linf", 0.1)


def test_an_evader_that_moves_too_far_is_refused(
    sights: tuple[ObservedPool, ObservedPool], played: Play
) -> None:
    """The game checks epsilon itself."""
    with pytest.raises(ValueError, match="epsilon is 0.1"):
        played(Far(), "evasion", EvasionAttackerParams(epsilon=0.1), sights)
