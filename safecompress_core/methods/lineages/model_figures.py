"""Figures of a model's test that a selection compares, and their form in a checkpoint."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Self, TypeGuard

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from safecompress_core.choose.aggregator import Objectives
from safecompress_core.games.attack_result import AttackResult, ComparedResult
from safecompress_core.methods.lineages.evaluator import CandidateEvaluator, Evaluation
from safecompress_core.methods.lineages.params import LineageParams
from safecompress_core.stats.intervals import Estimate
from safecompress_core.stats.resampling import Resampling

__all__ = ["ModelFigures", "objectives_of"]

Array = NDArray[np.float64]

# R replicates · A attacks · M device measures · N₀ non-members of the pool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelFigures:
    """Figures of one model, tested on a pool.

    Attributes:
        performance: shape (N₀,), what each non-member contributes to the task metric.
        advantage: shape (A,), the end of each advantage's interval that counts.
        attack_accuracy: shape (A,), likewise of the accuracies.
        advantage_draws: shape (A, R), each advantage in the bootstrap draws of the pool.
        accuracy_draws: shape (A, R), likewise the accuracies.
        costs: shape (M,), of the device measures that the rule that chooses counts.
    """

    performance: Array
    advantage: Array
    attack_accuracy: Array
    advantage_draws: Array
    accuracy_draws: Array
    costs: Array = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def of(
        cls,
        evaluation: Evaluation,
        evaluator: CandidateEvaluator,
        params: LineageParams,
        *,
        costs: Array,
    ) -> Self:
        """Return the figures of a test.

        Args:
            evaluation: of the model.
            evaluator: who made it; it lends its attacks and the resampled pools.
            params: the method's: which figure of an attack counts, and which end of its interval.
            costs: shape (M,), of the model.
        """
        reading = _Reading(params)

        def table(read: Callable[[ComparedResult, Resampling], Any], *shape: int) -> Array:
            results = ((attack, evaluation.results[attack]) for attack in evaluator.attacks)
            rows = [read(one, evaluator.resampling_of(attack, one)) for attack, one in results]
            # Without attacks there are no rows to take the shape from.
            return np.array(rows, dtype=np.float64).reshape(len(rows), *shape)

        draws = len(evaluator.resampling)
        return cls(
            performance=evaluation.performance,
            advantage=table(lambda result, _: reading.counting(reading.advantage(result))),
            attack_accuracy=table(lambda result, _: reading.counting(reading.accuracy(result))),
            advantage_draws=table(reading.advantage_draws, draws),
            accuracy_draws=table(reading.accuracy_draws, draws),
            costs=costs,
        )

    def tensors(self) -> dict[str, Tensor]:
        """Return what a checkpoint keeps of them."""
        return {each.name: torch.from_numpy(getattr(self, each.name)) for each in fields(self)}

    @classmethod
    def restore(cls, tensors: Mapping[str, Tensor]) -> Self:
        """Return the figures that ``tensors`` kept."""
        return cls(**{each.name: tensors[each.name].numpy() for each in fields(cls)})


def objectives_of(figures: Sequence[ModelFigures], evaluator: CandidateEvaluator) -> Objectives:
    """Return the objectives of K ≥ 1 models that an evaluator has tested."""
    return Objectives(
        performance=np.array([model.performance.mean() for model in figures]),
        advantage=np.stack([model.advantage for model in figures]),
        attack_accuracy=np.stack([model.attack_accuracy for model in figures]),
        weights=evaluator.weights,
        attackers=evaluator.attacks,
        games=evaluator.games,
        costs={
            name: np.array([model.costs[index] for model in figures])
            for index, name in enumerate(evaluator.measures)
        },
    )


class _Reading:
    """Reads the figures of an attack that count.

    Args:
        params: of the method.
    """

    def __init__(self, params: LineageParams) -> None:
        self._params = params

    def counting(self, estimate: Estimate) -> float:
        """The end of an interval that counts: what is careful with safety is its upper one."""
        return estimate.high if self._params.bound == "careful" else estimate.value

    def _counts_auc(self, result: ComparedResult) -> TypeGuard[AttackResult]:
        """Return whether an attack counts with its AUC, as one on membership does by default."""
        has_auc = isinstance(result, AttackResult) and result.placements is not None
        return self._params.statistic == "auc" and has_auc

    def advantage(self, result: ComparedResult) -> Estimate:
        """Return 2·AUC − 1, Somers' D, or the advantage at the attack's threshold."""
        if not self._counts_auc(result):
            return result.advantage
        assert result.auc is not None  # it has placements
        return result.auc.scale(2, shift=-1).clip(0, 1)

    def accuracy(self, result: ComparedResult) -> Estimate:
        """Return the AUC, the accuracy in choosing between a member and another, or accuracy."""
        if not self._counts_auc(result):
            return result.accuracy
        assert result.auc is not None
        return result.auc

    def advantage_draws(self, result: ComparedResult, resampling: Resampling) -> Array:
        """Return the advantage in each draw."""
        if not self._counts_auc(result):
            return result.advantages(resampling)
        # Not clipped, or the mean of the draws would be biased near a coin.
        draws: Array = 2 * result.aucs(resampling) - 1
        return draws

    def accuracy_draws(self, result: ComparedResult, resampling: Resampling) -> Array:
        """Return the accuracy in each draw."""
        if not self._counts_auc(result):
            return result.accuracies(resampling)
        return result.aucs(resampling)
