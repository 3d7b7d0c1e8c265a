"""Initial topologies by the loss, before training."""

from abc import abstractmethod

import torch
from torch import Tensor

from safecompress_core.toolkit import (
    Initial,
    LossGradients,
    Topology,
    TopologyError,
    Weights,
    largest_overall,
)
from safecompress_plugins.strategies.manifest import GraspInitialParams, SnipInitialParams

__all__ = ["GraspInitial", "SnipInitial"]


class ByLoss(Initial):
    """Keeps the weights with the best scores over all layers, with one in each layer at least."""

    def __init__(self, params: SnipInitialParams | GraspInitialParams) -> None:
        self.gradient_batches = params.batches

    @abstractmethod
    def scores(self, weights: Weights, loss_gradients: LossGradients) -> dict[str, Tensor]:
        """Return each weight's score by layer; larger ones stay."""

    def topology(
        self,
        weights: Weights,
        density: float,
        *,
        inherited: bool,
        generator: torch.Generator,
        loss_gradients: LossGradients | None = None,
    ) -> Topology:
        """See `Initial.topology`; ties keep the first in memory order."""
        if loss_gradients is None:
            raise TopologyError("this initial topology needs the loss's gradients")
        # One ranking over all layers: a layer's density is the result, not a parameter.
        total = sum(weight.numel() for weight in weights.values())
        scores = self.scores(weights, loss_gradients)
        # `largest_overall` leaves each layer a weight, since an empty one would cut the network.
        return Topology.from_masks(largest_overall(scores, round(density * total)))


class SnipInitial(ByLoss):
    """Connection sensitivity |g ⊙ w|: the change of the loss without a weight.

    Source: Lee, Ajanthan & Torr 2019, "SNIP", Algorithm 1.
    """

    def scores(self, weights: Weights, loss_gradients: LossGradients) -> dict[str, Tensor]:
        """Return |g ⊙ w|."""
        return {name: (loss_gradients.gradients[name] * w).abs() for name, w in weights.items()}


class GraspInitial(ByLoss):
    """Preservation of gradient flow: weights that reduce the gradient's norm are pruned first.

    Without a weight w the squared norm of the gradient changes by 2 · (−w · Hg), to first order;
    weights with the smallest −w ⊙ Hg stay.

    Source: Wang, Zhang & Grosse 2020, "Picking Winning Tickets Before Training by Preserving
    Gradient Flow", Algorithm 1.
    """

    needs_curvature = True

    def scores(self, weights: Weights, loss_gradients: LossGradients) -> dict[str, Tensor]:
        """Return w ⊙ Hg."""
        assert loss_gradients.curvature is not None  # guaranteed by needs_curvature
        return {name: loss_gradients.curvature[name] * w for name, w in weights.items()}
