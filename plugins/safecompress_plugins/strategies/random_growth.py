"""Grows anywhere."""

from collections.abc import Mapping

import torch

from safecompress_core.toolkit import (
    Grow,
    Masks,
    Topology,
    Weights,
    flattened,
    random_positions,
    unflattened,
)
from safecompress_plugins.strategies.manifest import RandomGrowthParams

__all__ = ["RandomGrowth"]


class RandomGrowth(Grow):
    """Seeded random inactive positions, exactly as many as were pruned."""

    def __init__(self, params: RandomGrowthParams) -> None:
        self._scope = params.scope

    def grow(
        self,
        topology: Topology,
        counts: Mapping[str, int],
        *,
        gradients: Weights | None,
        generator: torch.Generator,
    ) -> Masks:
        """See `Grow.grow`."""
        inactive = {name: ~mask for name, mask in topology.masks.items()}
        if self._scope == "layer":
            return {
                name: random_positions(mask, counts[name], generator=generator)
                for name, mask in inactive.items()
            }
        pool = flattened(inactive)
        grown = random_positions(pool, sum(counts.values()), generator=generator)
        return unflattened(grown, topology.shapes)
