"""Movement of weights between the layers of a topology."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from safecompress_core.errors import TopologyError
from safecompress_core.sparse.allocation import apportion_at_least_one
from safecompress_core.sparse.selection import largest, random_positions
from safecompress_core.sparse.strategy import Weights
from safecompress_core.sparse.topology import Topology

__all__ = ["reallocate", "reallocated_counts"]

FINENESS = 2**20
"""Resolution of a factor; shares are whole numbers, which keep counts exact."""


def reallocated_counts(topology: Topology, factors: Mapping[str, float]) -> dict[str, int]:
    """Return the active weights of each layer after layers have grown or shrunk by factors.

    A layer's count is proportional to its active weights times its factor, at most its size and at
    least 1; the total stays.

    Args:
        topology: before.
        factors: by layer, greater than 0; 1 where a layer is not named.

    Raises:
        TopologyError: if a layer does not exist.
    """
    active = topology.active()
    if unknown := sorted(factors.keys() - active.keys()):
        raise TopologyError(f"no layer is called {unknown[0]!r}; there are: {', '.join(active)}")
    shares = {
        name: max(1, round(FINENESS * count * factors.get(name, 1.0)))
        for name, count in active.items()
    }
    sizes = {name: math.prod(shape) for name, shape in topology.shapes.items()}
    return apportion_at_least_one(sizes, shares, topology.total_active)


def reallocate(
    topology: Topology,
    weights: Weights,
    factors: Mapping[str, float],
    *,
    by_magnitude: bool,
    generator: torch.Generator,
) -> Topology:
    """Move weights between layers, as many in all as before.

    A layer that shrinks loses its smallest weights, or any where magnitudes mean nothing yet; one
    that grows gets inactive positions at random.

    Args:
        topology: before; never changed.
        weights: by layer, on any device.
        factors: by layer, as in `reallocated_counts`.
        by_magnitude: whether weights have been trained, so that their magnitude matters.
        generator: what random positions are drawn from, on the CPU.

    Raises:
        TopologyError: as `reallocated_counts`, or if weights are missing or have another shape.
    """
    topology.require_match(weights, what="weights")
    counts = reallocated_counts(topology, factors)

    def resize(name: str, mask: Tensor) -> Tensor:
        missing = counts[name] - int(mask.count_nonzero())
        if missing >= 0:
            return mask | random_positions(~mask, missing, generator=generator)
        if by_magnitude:
            return largest(weights[name].detach().abs().cpu(), mask, counts[name])
        return random_positions(mask, counts[name], generator=generator)

    return Topology.from_masks({name: resize(name, mask) for name, mask in topology.masks.items()})
