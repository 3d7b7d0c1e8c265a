"""Choosing by a weighted sum."""

import numpy as np
from numpy.typing import NDArray

from safecompress_core.choose.aggregator import Aggregator, Objectives
from safecompress_core.choose.manifest import WeightedParams

__all__ = ["Weighted"]


class Weighted(Aggregator):
    """w·performance / performance_scale − Σ_a w_a·advantage_a / advantage_scale − Σ_m w_m·cost_m.

    Costs need no scale: 1 is that of the uncompressed model.
    """

    def __init__(self, params: WeightedParams) -> None:
        self.params = params

    def utilities(self, objectives: Objectives) -> NDArray[np.float64]:
        """One number a candidate, shape (K,), whatever its company."""
        gain = self.params.performance_weight / self.params.performance_scale
        leak = objectives.advantage @ objectives.weights / self.params.advantage_scale
        utilities: NDArray[np.float64] = gain * objectives.performance - leak
        for name, cost in objectives.costs.items():
            utilities = utilities - self.params.measures[name] * cost
        return utilities
