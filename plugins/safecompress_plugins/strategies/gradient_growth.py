"""Growth by the dense gradient."""

from collections.abc import Mapping

import torch

from safecompress_core.toolkit import (
    Grow,
    History,
    Masks,
    Topology,
    TopologyError,
    Weights,
    flatten,
    unflatten,
)
from safecompress_plugins.strategies.manifest import GradientGrowthParams
from safecompress_plugins.strategies.precedence import largest_in_turn

__all__ = ["GradientGrowth", "largest_inactive"]


class GradientGrowth(Grow):
    """Grows the inactive positions with the largest gradient magnitude."""

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
        """See `Grow.grow`; ties grow the first in memory order."""
        if gradients is None:
            raise TopologyError("growing by gradient needs gradients")
        # A new weight starts at 0 and may move either way, so only the magnitude matters.
        sizes = {name: gradients[name].abs() for name in topology.masks}
        return largest_inactive(sizes, topology, counts, is_overall=self._scope == "global")


def largest_inactive(
    sizes: Weights,
    topology: Topology,
    counts: Mapping[str, int],
    *,
    is_overall: bool,
    first: Masks | None = None,
) -> Masks:
    """Select the inactive positions with the largest values: by layer, or as many overall.

    Positions outside ``first`` grow only when those do not suffice.
    """
    inactive = {name: ~mask for name, mask in topology.masks.items()}
    first = first or inactive
    if not is_overall:
        return {
            name: largest_in_turn(sizes[name], inactive[name], first[name], counts[name])
            for name in inactive
        }
    # Flattened in the topology's order of layers, so that ties break alike in every process.
    total = sum(counts.values())
    grown = largest_in_turn(flatten(sizes), flatten(inactive), flatten(first), total)
    return unflatten(grown, topology.shapes)
