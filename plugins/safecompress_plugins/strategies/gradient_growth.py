"""Grows where the dense gradient is largest."""

from collections.abc import Mapping

import torch

from safecompress_core.toolkit import (
    Grow,
    History,
    Masks,
    Topology,
    TopologyError,
    Weights,
    flattened,
    largest,
    unflattened,
)
from safecompress_plugins.strategies.manifest import GradientGrowthParams

__all__ = ["GradientGrowth", "largest_inactive"]


class GradientGrowth(Grow):
    """The inactive positions with the largest gradient magnitude."""

    def __init__(self, params: GradientGrowthParams) -> None:
        self._scope = params.scope
        self.gradient_batches = params.batches

    def grow(
        self,
        topology: Topology,
        counts: Mapping[str, int],
        *,
        gradients: Weights | None,
        generator: torch.Generator,
        history: History | None = None,
    ) -> Masks:
        """See `Grow.grow`; of equally large gradients the first in memory order grow."""
        if gradients is None:
            raise TopologyError("growing by gradient needs gradients")
        sizes = {name: gradients[name].abs() for name in topology.masks}
        return largest_inactive(sizes, topology, counts, is_overall=self._scope == "global")


def largest_inactive(
    sizes: Weights, topology: Topology, counts: Mapping[str, int], *, is_overall: bool
) -> Masks:
    """The inactive positions with the largest values: so many of each layer, or as many overall."""
    inactive = {name: ~mask for name, mask in topology.masks.items()}
    if not is_overall:
        return {name: largest(sizes[name], inactive[name], counts[name]) for name in inactive}
    grown = largest(flattened(sizes), flattened(inactive), sum(counts.values()))
    return unflattened(grown, topology.shapes)
