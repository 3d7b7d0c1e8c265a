"""Compares the candidates of a round on the same resampled tests."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from safecompress_core.choose.aggregator import Aggregator, Objectives
from safecompress_core.choose.archive import keep_by_hypervolume
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

__all__ = ["RoundSelection"]

Array = NDArray[np.float64]

# R replicates · K candidates · A attacks · N samples of the pool, N₁ members first

INCUMBENT = 0  # candidates begin with the one that the others have to beat


class RoundSelection:
    """The candidates of one round, tested on one pool.

    Args:
        evaluations: of the K candidates, the incumbent first.
        evaluator: who made them; it lends its attacks, their weights and the resampled pools.
        aggregator: makes one number of objectives.
        params: the method's: which end of an interval counts, and how sure a difference must be.
    """

    def __init__(
        self,
        evaluations: Sequence[Evaluation],
        evaluator: CandidateEvaluator,
        aggregator: Aggregator,
        params: TestDrivenParams,
    ) -> None:
        self._evaluations = evaluations
        self._evaluator = evaluator
        self._aggregator = aggregator
        self._params = params
        self.objectives = Objectives(
            performance=np.array([evaluation.performance.mean() for evaluation in evaluations]),
            advantage=self._table(lambda result: self._counting(result.advantage)),
            attack_accuracy=self._table(lambda result: self._counting(result.accuracy)),
            weights=evaluator.weights,
        )

    def _counting(self, estimate: Estimate) -> float:
        """The end of an interval that counts: what is careful with safety is its upper one."""
        return estimate.high if self._params.bound == "careful" else estimate.value

    def _table(self, reading: Callable[[AttackResult], Any]) -> Array:
        """Something of every attack, shape (K, A), or (K, A, R) for a reading of R values."""
        rows = [
            [reading(evaluation.results[attack]) for attack in self._evaluator.attacks]
            for evaluation in self._evaluations
        ]
        shape = (len(rows), len(self._evaluator.attacks))
        table = np.array(rows, dtype=np.float64)
        return table.reshape(*shape, *table.shape[2:])

    @cached_property
    def _replicates(self) -> Replicates:
        """All candidates on the same R resampled pools, members and non-members by themselves."""
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
        advantage = self._table(lambda result: result.advantages(resampling))
        accuracy = self._table(lambda result: result.accuracies(resampling))
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

    def winners(self) -> tuple[int, ...]:
        """Return the candidates that go on, in the order of the aggregator.

        A single one must be significantly better than the incumbent; several are kept by what
        they add to the hypervolume.
        """
        # Significance is defined against one incumbent; a beam keeps variety by hypervolume
        # instead.
        if self._params.beam == 1:
            return (self._decision.chosen,)
        survivors = keep_by_hypervolume(self.objectives, self._params.beam)
        return tuple(sorted(survivors, key=lambda index: -self._decision.utilities[index]))

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
