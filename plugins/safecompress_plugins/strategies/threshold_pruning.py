"""Pruning below a threshold."""

from safecompress_core.toolkit import Masks, Prune, Topology, Weights, smallest
from safecompress_plugins.strategies.manifest import ThresholdPruningParams

__all__ = ["ThresholdPruning"]


class ThresholdPruning(Prune):
    """Prunes all active weights with |w| < τ, regardless of the scheduled fraction."""

    def __init__(self, params: ThresholdPruningParams) -> None:
        self._threshold = params.threshold

    def drop(
        self,
        weights: Weights,
        topology: Topology,
        *,
        fraction: float,
        gradients: Weights | None = None,
    ) -> Masks:
        """See `Prune.drop`; where a layer may not lose all of them, the smallest are pruned."""
        dropped = {}
        for name, limit in topology.replaceable().items():
            size = weights[name].abs()
            under = topology.masks[name] & (size < self._threshold)
            # A layer keeps at least one weight, hence the limit.
            dropped[name] = smallest(size, under, min(int(under.sum()), limit))
        return dropped
