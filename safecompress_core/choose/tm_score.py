"""Choosing by the papers' score of safety and performance."""

import numpy as np
from numpy.typing import NDArray

from safecompress_core.choose.aggregator import Aggregator, Objectives
from safecompress_core.choose.manifest import TmScoreParams

__all__ = ["TmScore", "tm_score"]

SMALLEST_ACCURACY = 1e-9  # an attack that is never right would make the score infinite


class TmScore(Aggregator):
    """TM-score = (Task Acc)^λ / attack accuracy; of several attacks their weighted mean accuracy.

    Source: Zhu, Wang & Han 2022, "Safety and Performance, Why Not Both?", ASE, Eq. 6.
    """

    def __init__(self, params: TmScoreParams) -> None:
        self.params = params

    def utilities(self, objectives: Objectives) -> NDArray[np.float64]:
        """The score of each candidate, shape (K,), whatever its company."""
        return tm_score(objectives, exponent=self.params.exponent)


def tm_score(objectives: Objectives, *, exponent: float) -> NDArray[np.float64]:
    """(performance)^exponent / mean attack accuracy, shape (K,); over 1 where nothing attacks."""
    task: NDArray[np.float64] = objectives.performance**exponent
    if not objectives.weights.size:
        return task
    attack = objectives.attack_accuracy @ (objectives.weights / objectives.weights.sum())
    score: NDArray[np.float64] = task / np.maximum(attack, SMALLEST_ACCURACY)
    return score
