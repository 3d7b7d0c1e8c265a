"""Growth by the momentum of the training gradient."""

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
    apportion,
)
from safecompress_plugins.strategies.gradient_growth import largest_inactive
from safecompress_plugins.strategies.manifest import MomentumGrowthParams

__all__ = ["MomentumGrowth"]

FINENESS = 2**40  # resolution of the layers' shares as integers, which keep counts exact


class MomentumGrowth(Grow):
    """Grows the inactive positions with the largest momentum |m|.

    m is the running average of the training gradients since the start, with decay 0.9, as
    `History.momentum` defines it. An optimizer's own moments do not serve: those of inactive
    weights are kept at 0. With ``share``, layers share the total number in proportion to the mean
    |m| of their weights; a full layer passes the rest on.

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
        """See `Grow.grow`; ties grow the first in memory order.

        Raises:
            TopologyError: if there is no momentum.
        """
        if history is None or history.momentum is None:
            raise TopologyError("growing by momentum needs a history with momentum")
        # A new weight starts at 0 and may move either way, so only the magnitude matters.
        sizes = {name: history.momentum[name].abs() for name in topology.masks}
        if self._scope == "share":
            counts = apportion_by_momentum(sizes, topology, sum(counts.values()))
        return largest_inactive(sizes, topology, counts, is_overall=self._scope == "global")


def apportion_by_momentum(
    sizes: Mapping[str, Tensor], topology: Topology, total: int
) -> dict[str, int]:
    """Apportion ``total`` to layers by the mean momentum of their active weights."""
    # The mean over active weights: a share that a large layer does not win by size alone.
    means = {name: float(sizes[name][mask].mean()) for name, mask in topology.masks.items()}
    most = max(means.values()) or 1.0  # before the first step all momenta are 0
    # Plus one: a layer without any momentum takes the rest that others have no room for.
    shares = {name: 1 + round(FINENESS * mean / most) for name, mean in means.items()}
    room = {name: int((~mask).sum()) for name, mask in topology.masks.items()}
    return apportion(room, shares, total)
