"""Choosing by a weighted sum."""

import numpy as np
from numpy.typing import NDArray

from safecompress_core.choose.aggregator import Aggregator, Objectives
from safecompress_core.choose.manifest import WeightedParams

__all__ = ["Weighted"]


class Weighted(Aggregator):
    """w·performance / performance_scale − Σ_a w_a·advantage_a / advantage_scale."""

    def __init__(self, params: WeightedParams) -> None:
        self.params = params

    def utilities(self, objectives: Objectives) -> NDArray[np.float64]:
        """One number a candidate, shape (K,), whatever its company."""
        gain = self.params.performance_weight / self.params.performance_scale
        leak = objectives.advantage @ objectives.weights / self.params.advantage_scale
        return gain * objectives.performance - leak
