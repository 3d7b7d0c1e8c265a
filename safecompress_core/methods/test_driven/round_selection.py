"""Compares the models of a round on the same resampled tests, and chooses those that go on.

- Candidates of one lineage: one has to be significantly better than the incumbent.
- Lineages of a race are equals: they are ranked by pairwise comparisons, in which a test that
  cannot distinguish two of them does not decide.
- A beam keeps variety, by hypervolume.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from safecompress_core.choose.aggregator import Aggregator, Objectives
from safecompress_core.choose.archive import keep_by_hypervolume
from safecompress_core.choose.ranking import Defeat, FieldRanking, rank_field
from safecompress_core.choose.significance import (
    Decision,
    NoiseByObjective,
    ObjectiveNoise,
    Replicates,
    decide,
    objective_noise,
)
from safecompress_core.games.attack_result import AttackResult
from safecompress_core.methods.manifest import TestDrivenParams
from safecompress_core.methods.test_driven.evaluator import CandidateEvaluator, Evaluation
from safecompress_core.stats.intervals import Estimate
from safecompress_core.stats.resampling import Resampling

__all__ = ["RoundSelection"]

Array = NDArray[np.float64]

# R replicates · K models · A attacks · N samples of the pool, N₁ members first

INCUMBENT = 0  # candidates begin with the one that the others have to beat


class RoundSelection:
    """The models of one round, tested on one pool.

    Args:
        evaluations: of the K models, the incumbent first.
        evaluator: who made them; it lends its attacks, their weights and the resampled pools.
        aggregator: makes one number of objectives.
        params: the method's: which figure of an attack counts, and how sure a difference must be.
        keeps: how many models go on.
        has_incumbent: whether the others have to beat the first one; else all are equals.
        costs: of each model, in any unit, K of them: what decides where all else is equal.
    """

    def __init__(
        self,
        evaluations: Sequence[Evaluation],
        evaluator: CandidateEvaluator,
        aggregator: Aggregator,
        params: TestDrivenParams,
        *,
        keeps: int = 1,
        has_incumbent: bool = True,
        costs: Sequence[float] = (),
    ) -> None:
        self._evaluations = evaluations
        self._evaluator = evaluator
        self._aggregator = aggregator
        self._params = params
        self._keeps = keeps
        self._has_incumbent = has_incumbent
        self._costs = np.array(costs or [0.0] * len(evaluations))
        self.objectives = Objectives(
            performance=np.array([evaluation.performance.mean() for evaluation in evaluations]),
            advantage=self._table(lambda result, _: self._counting(self._advantage(result))),
            attack_accuracy=self._table(lambda result, _: self._counting(self._accuracy(result))),
            weights=evaluator.weights,
        )

    def _counting(self, estimate: Estimate) -> float:
        """The end of an interval that counts: what is careful with safety is its upper one."""
        return estimate.high if self._params.bound == "careful" else estimate.value

    def _counts_auc(self, result: AttackResult) -> bool:
        """Return whether an attack counts with its AUC, as one on membership does by default."""
        return self._params.statistic == "auc" and result.placements is not None

    def _advantage(self, result: AttackResult) -> Estimate:
        """Return 2·AUC − 1, Somers' D, or the advantage at the attack's threshold."""
        if not self._counts_auc(result):
            return result.advantage
        assert result.auc is not None  # it has placements
        return result.auc.scale(2, shift=-1).clip(0, 1)

    def _accuracy(self, result: AttackResult) -> Estimate:
        """Return the AUC, the accuracy in choosing between a member and another, or accuracy."""
        if not self._counts_auc(result):
            return result.accuracy
        assert result.auc is not None
        return result.auc

    def _advantage_draws(self, result: AttackResult, resampling: Resampling) -> Array:
        if not self._counts_auc(result):
            return result.advantages(resampling)
        # Not clipped, or the mean of the draws would be biased near a coin.
        draws: Array = 2 * result.aucs(resampling) - 1
        return draws

    def _accuracy_draws(self, result: AttackResult, resampling: Resampling) -> Array:
        if not self._counts_auc(result):
            return result.accuracies(resampling)
        return result.aucs(resampling)

    def _table(self, reading: Callable[[AttackResult, Resampling], Any]) -> Array:
        """Something of every attack, shape (K, A), or (K, A, R) for a reading of R values."""
        rows = [
            [
                reading(evaluation.results[attack], self._evaluator.resampling_of(attack))
                for attack in self._evaluator.attacks
            ]
            for evaluation in self._evaluations
        ]
        shape = (len(rows), len(self._evaluator.attacks))
        table = np.array(rows, dtype=np.float64)
        return table.reshape(*shape, *table.shape[2:])

    @cached_property
    def _replicates(self) -> Replicates:
        """All models on the same R resampled pools, members and non-members by themselves."""
        resampling, unseen = self._evaluator.resampling, ~self._evaluator.is_member
        # Members keep 0: the metric is read on unseen samples only, and `where` leaves them out.
        values = np.zeros((len(unseen), len(self._evaluations)))  # (N, K)
        values[unseen] = np.stack(
            [evaluation.performance for evaluation in self._evaluations], axis=1
        )
        performance = resampling.means(values, where=unseen)  # (R, K)
        if not self._evaluator.attacks:
            nothing = np.zeros((*performance.shape, 0))
            return Replicates(performance=performance, advantage=nothing, attack_accuracy=nothing)
        advantage = self._table(self._advantage_draws)
        accuracy = self._table(self._accuracy_draws)
        return Replicates(
            performance=performance,
            advantage=np.moveaxis(advantage, 2, 0),
            attack_accuracy=np.moveaxis(accuracy, 2, 0),
        )

    @cached_property
    def _decision(self) -> Decision:
        return decide(
            self.objectives,
            self._replicates,
            self._aggregator,
            incumbent=INCUMBENT,
            confidence=self._params.confidence,
        )

    @cached_property
    def _spread(self) -> NoiseByObjective:
        return objective_noise(self.objectives, self._replicates, incumbent=INCUMBENT)

    @cached_property
    def _ranking(self) -> FieldRanking:
        return rank_field(
            self.objectives,
            self._replicates,
            self._aggregator,
            costs=self._costs,
            confidence=self._params.confidence,
            keep=self._keeps,
        )

    @cached_property
    def winners(self) -> tuple[int, ...]:
        """Return the models that go on, the best one first."""
        if self._params.beam > 1:
            survivors = keep_by_hypervolume(self.objectives, self._keeps)
            return tuple(sorted(survivors, key=lambda index: -self._decision.utilities[index]))
        # Significance is defined against one incumbent; equals are ranked instead.
        return (self._decision.chosen,) if self._has_incumbent else self._ranking.kept

    def departure(self, index: int, names: Sequence[str]) -> dict[str, Any] | None:
        """Return why a lineage leaves the race, and for which model; None for any that does not.

        Args:
            index: of the model.
            names: of all models.
        """
        if self._has_incumbent or self._params.beam > 1 or index in self.winners:
            return None
        departure = self._ranking.departures[index]
        assert departure is not None  # it is not among the kept
        # Without a defeat by any that stays it has fewer wins over the others than these.
        rivals = departure.defeats or [Defeat(by=self._ranking.kept[0], criterion="utility")]
        return {
            "reason": departure.reason,
            "by": names[rivals[0].by],
            "decided_by": rivals[0].criterion,
        }

    def verdict_on(self, index: int) -> dict[str, Any]:
        """Objectives, utility and difference to the incumbent of a candidate, JSON-ready."""
        difference = self._decision.differences[index]
        return {
            "objectives": {
                "performance": float(self.objectives.performance[index]),
                **dict(
                    zip(
                        self._evaluator.attacks,
                        self.objectives.advantage[index].tolist(),
                        strict=True,
                    )
                ),
            },
            "utility": self._decision.utilities[index],
            "difference": difference.estimate,
            "difference_interval": [difference.low, difference.high],
            "significant": self._decision.significant[index],
        }

    def spread(self) -> dict[str, Any]:
        """The candidates' spread compared with the test's noise, by objective, JSON-ready."""
        measured_noise = self._spread
        noises = {
            "performance": measured_noise.performance,
            **dict(zip(self._evaluator.attacks, measured_noise.advantage, strict=True)),
        }
        return {name: _plain(noise) for name, noise in noises.items()}


def _plain(noise: ObjectiveNoise) -> dict[str, Any]:
    return {"spread": noise.spread, "noise": noise.noise, "tells_apart": noise.tells_apart}
