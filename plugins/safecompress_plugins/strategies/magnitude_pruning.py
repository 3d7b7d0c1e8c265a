"""Drops the smallest weights."""

from safecompress_core.toolkit import (
    Masks,
    Prune,
    Topology,
    Weights,
    flattened,
    smallest,
    unflattened,
)
from safecompress_plugins.strategies.manifest import MagnitudePruningParams

__all__ = ["MagnitudePruning"]


class MagnitudePruning(Prune):
    """The scheduled fraction (rounded to whole weights) with the smallest magnitude."""

    def __init__(self, params: MagnitudePruningParams) -> None:
        self._scope = params.scope

    def drop(self, weights: Weights, topology: Topology, *, fraction: float) -> Masks:
        """See `Prune.drop`; of equally small weights the first in memory order go."""
        active, limits = topology.active(), topology.replaceable()
        sizes = {name: weights[name].abs() for name in active}
        # Globally, a layer offers at most as many as it may lose, and the smallest of all go.
        wanted = {
            name: round(fraction * count) if self._scope == "layer" else count
            for name, count in active.items()
        }
        offered = {
            name: smallest(sizes[name], topology.masks[name], min(wanted[name], limits[name]))
            for name in active
        }
        if self._scope == "layer":
            return offered
        pool = flattened(offered)
        count = min(round(fraction * topology.total_active), int(pool.sum()))
        return unflattened(smallest(flattened(sizes), pool, count), topology.shapes)
