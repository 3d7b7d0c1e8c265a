"""Evasion: does a small change of an input change the model's answer?"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from safecompress_core.api import EvasionAttackerParams
from safecompress_core.attacks.adversary import AdversaryKnowledge, Evader, PerturbationBudget
from safecompress_core.games.attack_context import AttackRun
from safecompress_core.games.attack_result import AttackResult
from safecompress_core.games.game import Game
from safecompress_core.games.manifest import EVASION
from safecompress_core.stats.intervals import CONFIDENCE, Estimate, clopper_pearson
from safecompress_core.stats.means import relative_reduction

__all__ = ["EvasionGame"]

# N samples of a pool, of which N₀ are no members

Bools = NDArray[np.bool_]


class EvasionGame(Game):
    """Moved non-members against non-members that random noise of the same size has moved."""

    adversary = Evader

    def play(self, attack_run: AttackRun) -> AttackResult:
        """Perturb the non-members of a pool by the attack, and by noise as the baseline.

        Raises:
            ValueError: if it moved a sample farther than it may; which is the attacker's fault.
        """
        assert isinstance(
            attack_run.params, EvasionAttackerParams
        )  # the manifest's conformance says so
        low, high = attack_run.bounds
        budget = PerturbationBudget(
            norm=attack_run.params.norm, epsilon=attack_run.params.epsilon, low=low, high=high
        )
        # Non-members only: a model answers members correctly by memory, which would hide its
        # weakness.
        unseen = attack_run.asked.unseen
        knowledge = AdversaryKnowledge(
            seen=unseen.restrict(attack_run.definition.access), truth=None, values=unseen.classes
        )
        generator = attack_run.seed.child("perturb").torch()
        # Detached: the attacker may return a tensor that still carries its graph.
        moved = attack_run.attacker.perturb(knowledge, budget, generator=generator).detach().cpu()
        # Checked by core, since an attack that exceeds its budget would win unfairly.
        budget.check(moved, unseen.inputs)
        # The baseline has the same budget, so the advantage is what the search adds to its size.
        noisy = budget.random_perturbation(
            unseen.inputs, generator=attack_run.seed.child("noise").torch()
        )

        def right(predictions: Tensor) -> NDArray[np.bool_]:
            is_right: NDArray[np.bool_] = (predictions == unseen.labels).numpy()
            return is_right

        return self.measure(
            right(unseen.predictions),
            right(unseen.predict(moved)),
            right(unseen.predict(noisy)),
            is_member=attack_run.asked.pool.is_member.numpy(),
            facts={
                "norm": budget.norm,
                "epsilon": budget.epsilon,
                "range": [float(low.amin()), float(high.amax())],
            },
        )

    def measure(
        self,
        right: Bools,
        right_moved: Bools,
        right_noisy: Bools,
        *,
        is_member: Bools,
        facts: Mapping[str, Any] = MappingProxyType({}),
        confidence: float = CONFIDENCE,
    ) -> AttackResult:
        """Share of wrong answers under attack against that under random noise of the same size.

        advantage = (error − noise error) / (1 − noise error): of the answers that noise leaves
        right, the share that the attack makes wrong. It is read on non-members, the test set,
        where a sample that is answered incorrectly anyway counts alike on both sides.

        Args:
            right: shape (N₀,), whether the answer to a plain non-member is right.
            right_moved: the same of the moved one.
            right_noisy: the same of one that noise has moved.
            is_member: shape (N,), of the whole pool.
            facts: norm, epsilon and the like.
            confidence: of every interval.
        """
        wrong, wrong_noisy = (
            per_sample_correctness(~values, is_member) for values in (right_moved, right_noisy)
        )

        def rate(values: Bools) -> Estimate:
            return clopper_pearson(int(values.sum()), len(values), confidence=confidence)

        measures = {
            "robust_accuracy": rate(right_moved),
            "clean_accuracy": rate(right),
            "noise_accuracy": rate(right_noisy),
        }
        # Success is among samples answered correctly before; with none of them it is undefined.
        if right.any():
            measures["success"] = rate(~right_moved[right])
        return AttackResult(
            game=EVASION.name,
            accuracy=rate(~right_moved),
            auc=None,
            # Of what noise leaves right: 1 − right after attack / right after noise.
            advantage=relative_reduction(right_moved, right_noisy, confidence=confidence),
            baseline=float((~right_noisy).mean()),
            correct=wrong,
            is_member=is_member,
            baseline_correct=wrong_noisy,
            counted=~is_member,
            named="error_rate",
            measures=measures,
            facts=facts,
        )


def per_sample_correctness(values: Bools, is_member: Bools) -> Bools:
    """Return the result for each sample at its position in the pool, shape (N,)."""
    # Members stay False and are excluded by ``counted``; positions match those of the pool.
    is_correct = np.zeros(len(is_member), dtype=np.bool_)
    is_correct[~is_member] = values
    return is_correct
