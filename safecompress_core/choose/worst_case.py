"""Choosing by the attack that succeeds best."""

import numpy as np
from numpy.typing import NDArray

from safecompress_core.choose.aggregator import Aggregator, Objectives
from safecompress_core.choose.manifest import WorstCaseParams

__all__ = ["WorstCase"]

TIE_BREAK = 1e-6  # decides between equals; too small to trade one objective for another
BELOW_FLOOR = -2.0  # the worst utility of an acceptable candidate is about −1


class WorstCase(Aggregator):
    """Minus the largest advantage, for candidates whose performance reaches the floor.

    Weights are multipliers, relative to the largest: an attack of half the weight may have twice
    the advantage before it is the worst. Candidates under the floor rank below all others, by how
    far they miss it. What remains equal is distinguished by performance and mean advantage, so that
    a dominated candidate never draws level.
    """

    def __init__(self, params: WorstCaseParams) -> None:
        self.params = params

    def utilities(self, objectives: Objectives) -> NDArray[np.float64]:
        """One number a candidate, shape (K,), whatever its company."""
        multipliers = objectives.weights / objectives.weights.max(initial=0.0)
        weighed = objectives.advantage * multipliers  # (K, A)
        worst = weighed.max(axis=1, initial=0.0)
        missing = self.params.floor - objectives.performance
        leak = weighed.mean(axis=1) if weighed.size else worst
        tie_break = TIE_BREAK * (objectives.performance - leak)
        utilities: NDArray[np.float64] = tie_break + np.where(
            missing > 0, BELOW_FLOOR - missing, -worst
        )
        return utilities
