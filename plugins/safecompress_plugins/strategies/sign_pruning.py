"""Pruning of the weights nearest to 0, by sign."""

from safecompress_core.api import Params
from safecompress_core.toolkit import Masks, Prune, Topology, Weights, smallest

__all__ = ["SignPruning"]


class SignPruning(Prune):
    """Prunes a share of the positive and the same share of the negative weights of each layer.

    The smallest positive and the largest negative weights are pruned, each share rounded to whole
    weights, so that the balance of signs remains. A weight of exactly 0 counts as positive, and is
    pruned first.

    Source: Mocanu et al. 2018, "Scalable training of artificial neural networks with adaptive
    sparse connectivity", Algorithm 1.
    """

    def __init__(self, params: Params) -> None:
        """Accept no parameters."""

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
            # By |w| on both sides: the largest negative weights are those nearest to 0.
            up, down = (smallest(size, side, round(fraction * int(side.sum()))) for side in sides)
            share = up | down
            # A layer keeps at least one weight, hence the limit over both shares.
            dropped[name] = smallest(size, share, min(int(share.sum()), limit))
        return dropped
