"""Reduction of a topology to a lower density, by the magnitude of its weights."""

from safecompress_core.errors import TopologyError
from safecompress_core.sparse.allocation import apportion_at_least_one
from safecompress_core.sparse.selection import largest_by_layer
from safecompress_core.sparse.strategy import Weights
from safecompress_core.sparse.topology import Topology

__all__ = ["is_reachable", "thin_out"]


def is_reachable(topology: Topology, density: float) -> bool:
    """Return whether `thin_out` can reduce a topology to this density.

    A layer needs a weight, and a position that was inactive has no trained weight to come back.
    """
    return len(topology.shapes) <= round(density * topology.total) <= topology.total_active


def thin_out(topology: Topology, weights: Weights, density: float) -> Topology:
    """Remove the smallest weights of each layer until the density is reached.

    Layers shrink in proportion to their active weights, rounded by the largest remainder; each
    keeps at least one.

    Args:
        topology: before; never changed.
        weights: by layer, on any device.
        density: fraction of all weights that remain, in (0, the topology's density].

    Returns:
        A part of the topology with exactly ``round(density * total)`` weights. Of equal
        magnitudes, those that come first in memory order remain.

    Raises:
        TopologyError: if the density is above the topology's or leaves less than one weight a
            layer, or if a layer's weights are missing or have another shape.
    """
    topology.require_match(weights, what="weights")
    if not is_reachable(topology, density):
        least, most = len(topology.shapes) / topology.total, topology.density
        raise TopologyError(
            f"a topology of density {most:g} cannot be thinned out to {density:g}; "
            f"between {least:g} and {most:g} each of its {len(topology.shapes)} layers has a weight"
        )
    total = round(density * topology.total)
    if total == topology.total_active:
        return topology
    active = topology.active()
    counts = apportion_at_least_one(active, active, total)
    # On the CPU, where all topologies are chosen.
    magnitudes = {name: weights[name].detach().abs().cpu() for name in topology.masks}
    return Topology.from_masks(largest_by_layer(magnitudes, counts, eligible=topology.masks))
