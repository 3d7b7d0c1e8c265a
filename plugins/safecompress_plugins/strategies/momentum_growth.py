"""Grows where training has kept pulling."""

from collections.abc import Mapping

import torch
from torch import Tensor

from safecompress_core.toolkit import (
    Grow,
    History,
    Masks,
    Topology,
    TopologyError,
    Weights,
    apportioned,
)
from safecompress_plugins.strategies.gradient_growth import largest_inactive
from safecompress_plugins.strategies.manifest import MomentumGrowthParams

__all__ = ["MomentumGrowth"]

FINENESS = 2**40  # shares of layers are compared as whole numbers, so that counts are exact


class MomentumGrowth(Grow):
    """The inactive positions with the largest momentum |m|.

    m is the running average of the gradients that training followed since it began, at 0.9, as
    `History.momentum` says. An optimizer's own moments would not do: those of inactive weights are
    kept at 0. Where layers compete, what all of them lost is shared among them in proportion to the
    mean |m| of the weights that each has; a layer that is full passes the rest on.

    Source: Dettmers & Zettlemoyer 2019, "Sparse Networks from Scratch: Faster Training without
    Losing Performance", Algorithm 1: momentum growth, momentum redistribution. There it is the
    optimizer's momentum, and shares are read before pruning as here.
    """

    needs_history = True
    needs_momentum = True

    def __init__(self, params: MomentumGrowthParams) -> None:
        self._scope = params.scope

    def grow(
        self,
        topology: Topology,
        counts: Mapping[str, int],
        *,
        gradients: Weights | None,
        generator: torch.Generator,
        history: History | None = None,
    ) -> Masks:
        """See `Grow.grow`; of equally large momenta the first in memory order grow.

        Raises:
            TopologyError: if there is no momentum.
        """
        if history is None or history.momentum is None:
            raise TopologyError("growing by momentum needs a history with momentum")
        sizes = {name: history.momentum[name].abs() for name in topology.masks}
        if self._scope == "share":
            counts = shared_out(sizes, topology, sum(counts.values()))
        return largest_inactive(sizes, topology, counts, is_overall=self._scope == "global")


def shared_out(sizes: Mapping[str, Tensor], topology: Topology, total: int) -> dict[str, int]:
    """How many of ``total`` each layer grows, by the mean momentum of its active weights."""
    means = {name: float(sizes[name][mask].mean()) for name, mask in topology.masks.items()}
    most = max(means.values()) or 1.0
    # One more for each: a layer without any momentum takes what the others have no room for.
    shares = {name: 1 + round(FINENESS * mean / most) for name, mean in means.items()}
    room = {name: int((~mask).sum()) for name, mask in topology.masks.items()}
    return apportioned(room, shares, total)
