"""Drops what is nearest to 0, from either side."""

from safecompress_core.api import Params
from safecompress_core.toolkit import Masks, Prune, Topology, Weights, smallest

__all__ = ["SignPruning"]


class SignPruning(Prune):
    """In each layer a share of the positive and the same share of the negative weights.

    The smallest of the ones and the largest of the others go, each share rounded to whole weights,
    so that the balance of signs stays. A weight of exactly 0 counts as positive: it is the first of
    them to go.

    Source: Mocanu et al. 2018, "Scalable training of artificial neural networks with adaptive
    sparse connectivity", Algorithm 1.
    """

    def __init__(self, params: Params) -> None:
        """There is nothing to choose."""

    def drop(
        self,
        weights: Weights,
        topology: Topology,
        *,
        fraction: float,
        gradients: Weights | None = None,
    ) -> Masks:
        """See `Prune.drop`; where a layer may not lose both shares, the smallest of them go."""
        dropped = {}
        for name, limit in topology.replaceable().items():
            size, active = weights[name].abs(), topology.masks[name]
            is_positive = weights[name] >= 0
            sides = (active & is_positive, active & ~is_positive)
            up, down = (smallest(size, side, round(fraction * int(side.sum()))) for side in sides)
            share = up | down
            dropped[name] = smallest(size, share, min(int(share.sum()), limit))
        return dropped
