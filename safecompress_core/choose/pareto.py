"""Choosing among the candidates that no other candidate beats in everything."""

import numpy as np
from numpy.typing import NDArray

from safecompress_core.choose.aggregator import Aggregator, Objectives
from safecompress_core.choose.front import (
    hypervolume_contributions,
    is_nondominated,
    losses,
    normalise,
    shares,
)
from safecompress_core.choose.manifest import ParetoParams, Reference
from safecompress_core.choose.tm_score import tm_score

__all__ = ["Pareto"]

Array = NDArray[np.float64]

AUGMENTATION = 1e-6  # the smaller, the purer Chebyshev; above 0, no dominated point draws level

# K candidates · L losses: one of performance, one of each attack that has a weight, each cost


class Pareto(Aggregator):
    """Picks from the front of (−performance, each attack's advantage, each cost).

    Dominated candidates rank below all others, by their distance from the knee's hyperplane.

    - ``knee``: the candidate that bulges farthest from the hyperplane through the two ends of the
      front (all performance, all safety) on scales where the front spans [0, 1]. With one attack
      it is the line through the extremes of Das 1999, "On characterizing the 'knee' of the Pareto
      curve"; Branke et al. 2004, "Finding Knees in Multi-objective Optimization", compares it with
      others. With several attacks the individual optima often coincide and span no plane; so its
      normal is given by the weights: performance counts 1, all attacks together 1, and so do all
      costs.
    - ``hypervolume``: the largest exclusive contribution on the same scales (Beume, Naujoks &
      Emmerich 2007, "SMS-EMOA").
    - ``reference-point``: the nearest to the wished-for values by the augmented Chebyshev
      achievement function (Wierzbicki 1980); weights are multipliers relative to the largest.
    - ``tm-score``: the best TM-score (ASE'22, Eq. 6).
    """

    def __init__(self, params: ParetoParams) -> None:
        self.params = params

    def utilities(self, objectives: Objectives) -> Array:
        """One number a candidate, shape (K,); it depends on which other candidates there are."""
        points = losses(objectives)
        on_front = is_nondominated(points)
        scaled = normalise(points, on_front)
        behind = scaled @ self._shares(objectives)  # (K,), 1 on the knee's plane, less above
        utilities = self._scores(objectives, scaled, behind, on_front)
        lowest = utilities[on_front].min()
        below = lowest - (behind - behind[on_front].min())
        # Where the gap is lost in rounding, the next smaller number still ranks below.
        below = np.minimum(below, np.nextafter(lowest, -np.inf))
        return np.where(on_front, utilities, below)

    def _scores(
        self, objectives: Objectives, scaled: Array, behind: Array, on_front: NDArray[np.bool_]
    ) -> Array:
        """Return the score of each candidate, shape (K,); only the front's are used."""
        if self.params.reference is not None:
            return self._nearness(objectives, self.params.reference)
        if self.params.pick == "tm-score":
            return tm_score(objectives, exponent=self.params.exponent or 1.0)
        if self.params.pick == "hypervolume":
            scores = np.zeros(len(scaled))
            scores[on_front] = hypervolume_contributions(scaled[on_front])
            return scores
        distances: Array = (1.0 - behind) / np.linalg.norm(self._shares(objectives))
        return distances

    def _shares(self, objectives: Objectives) -> Array:
        return shares(objectives, self.params.measures)

    def _nearness(self, objectives: Objectives, reference: Reference) -> Array:
        """−(max_l λ_l·d_l + ρ·Σ_l λ_l·d_l), where d is the excess over the reference; (K,)."""
        weights = objectives.weights[objectives.weights > 0]
        costs = np.array([self.params.measures.get(name, 1.0) for name in objectives.costs])
        scales = np.concatenate(
            ([1.0], weights / weights.max(initial=0.0), costs / costs.max(initial=0.0))
        )  # (L,)
        wished = [-reference.performance, *[reference.advantage] * len(weights)]
        wished += [reference.cost or 0.0] * len(costs)
        excess = (losses(objectives) - np.array(wished)) * scales  # (K, L)
        nearness: Array = -(excess.max(axis=1) + AUGMENTATION * excess.sum(axis=1))
        return nearness
