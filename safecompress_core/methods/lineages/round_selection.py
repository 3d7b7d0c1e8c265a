"""Compares the models of a round on the same resampled tests, and chooses those that go on.

- Candidates of one lineage: one has to be significantly better than the incumbent.
- Lineages of a race are equals: they are ranked by pairwise comparisons, in which a test that
  cannot distinguish two of them does not decide.
- A beam keeps variety, by hypervolume.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from safecompress_core.choose.aggregator import Aggregator
from safecompress_core.choose.archive import keep_by_hypervolume
from safecompress_core.choose.ranking import FieldRanking, rank_field
from safecompress_core.choose.significance import (
    Decision,
    NoiseByObjective,
    ObjectiveNoise,
    Replicates,
    decide,
    objective_noise,
)
from safecompress_core.methods.lineages.evaluator import CandidateEvaluator
from safecompress_core.methods.lineages.model_figures import ModelFigures, objectives_of

__all__ = ["RoundSelection"]

Array = NDArray[np.float64]

# R replicates · K models · A attacks · N samples of the pool, N₁ members first

INCUMBENT = 0  # candidates begin with the one that the others have to beat


class RoundSelection:
    """The models of one round, tested on one pool.

    Args:
        figures: of the K models, the incumbent first.
        evaluator: who tested them; it lends its attacks, their weights and the resampled pools.
        aggregator: makes one number of objectives.
        confidence: how sure a difference must be.
        keeps: how many models go on.
        has_incumbent: whether the others have to beat the first one; else all are equals.
        keeps_variety: whether those go on that together cover most, as in a beam.
        costs: of each model, in any unit, K of them: what decides where all else is equal.
    """

    def __init__(
        self,
        figures: Sequence[ModelFigures],
        evaluator: CandidateEvaluator,
        aggregator: Aggregator,
        *,
        confidence: float,
        keeps: int = 1,
        has_incumbent: bool = True,
        keeps_variety: bool = False,
        costs: Sequence[float] = (),
    ) -> None:
        self._figures = figures
        self._evaluator = evaluator
        self._aggregator = aggregator
        self._confidence = confidence
        self._keeps = keeps
        self._has_incumbent = has_incumbent
        self._keeps_variety = keeps_variety
        self._costs = np.array(costs or [0.0] * len(figures))
        self.objectives = objectives_of(figures, evaluator)

    @cached_property
    def _replicates(self) -> Replicates:
        """All models on the same R resampled pools, members and non-members by themselves."""
        resampling, unseen = self._evaluator.resampling, ~self._evaluator.is_member
        # Members keep 0: the metric is read on unseen samples only, and `where` leaves them out.
        values = np.zeros((len(unseen), len(self._figures)))  # (N, K)
        values[unseen] = np.stack([model.performance for model in self._figures], axis=1)
        performance = resampling.means(values, where=unseen)  # (R, K)
        advantage = np.stack([model.advantage_draws for model in self._figures])  # (K, A, R)
        accuracy = np.stack([model.accuracy_draws for model in self._figures])
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
            confidence=self._confidence,
        )

    @cached_property
    def _win_shares(self) -> Array | None:
        return self._aggregator.win_shares(self.objectives)

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
            confidence=self._confidence,
            keep=self._keeps,
        )

    @cached_property
    def winners(self) -> tuple[int, ...]:
        """Return the models that go on, the best one first."""
        if self._keeps_variety:
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
        if self._has_incumbent or self._keeps_variety or index in self.winners:
            return None
        departure = self._ranking.departures[index]
        assert departure is not None  # it is not among the kept
        by, decided_by = next(iter(departure.defeats), (self._ranking.kept[0], "field"))
        return {"reason": departure.reason, "by": names[by], "decided_by": decided_by}

    def verdict_on(self, index: int) -> dict[str, Any]:
        """Objectives, utility, win share and difference to the incumbent, JSON-ready."""
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
                **{name: float(cost[index]) for name, cost in self.objectives.costs.items()},
            },
            "utility": self._decision.utilities[index],
            "win_share": None if self._win_shares is None else float(self._win_shares[index]),
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
            **measured_noise.costs,
        }
        return {name: _plain(noise) for name, noise in noises.items()}


def _plain(noise: ObjectiveNoise) -> dict[str, Any]:
    return {"spread": noise.spread, "noise": noise.noise, "tells_apart": noise.tells_apart}
