"""Error of coded weights, relative to the weights."""

import math
from collections.abc import Mapping

from torch import Tensor

from safecompress_core.toolkit import WeightCode

__all__ = ["coding_error"]


def coding_error(weights: Mapping[str, Tensor], codes: Mapping[str, WeightCode]) -> float:
    """Return ‖W' − W‖ / ‖W‖ over all coded weights; 0 where all of them are 0.

    Args:
        weights: by name, as they were trained.
        codes: by name, what stands for some of them.
    """
    # float64: the differences may be a thousandth of the weights.
    moved = sum(_square(code.weight() - weights[name]) for name, code in codes.items())
    norm = sum(_square(weights[name]) for name in codes)
    return math.sqrt(moved / norm) if norm else 0.0


def _square(tensor: Tensor) -> float:
    return float(tensor.double().square().sum())
