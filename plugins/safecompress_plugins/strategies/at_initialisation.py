"""First topologies that ask the loss which weights matter, before anything is trained."""

from abc import abstractmethod

import torch
from torch import Tensor

from safecompress_core.toolkit import (
    Initial,
    Slopes,
    Topology,
    TopologyError,
    Weights,
    largest_overall,
)
from safecompress_plugins.strategies.manifest import GraspInitialParams, SnipInitialParams

__all__ = ["GraspInitial", "SnipInitial"]


class ByLoss(Initial):
    """The weights with the best scores of all layers together; each layer keeps one."""

    def __init__(self, params: SnipInitialParams | GraspInitialParams) -> None:
        self.gradient_batches = params.batches

    @abstractmethod
    def scores(self, weights: Weights, slopes: Slopes) -> dict[str, Tensor]:
        """By layer, how much each weight should be kept."""

    def topology(
        self,
        weights: Weights,
        density: float,
        *,
        inherited: bool,
        generator: torch.Generator,
        slopes: Slopes | None = None,
    ) -> Topology:
        """See `Initial.topology`; of equal scores the first in memory order stay."""
        if slopes is None:
            raise TopologyError("choosing weights by the loss needs its slopes")
        total = sum(weight.numel() for weight in weights.values())
        scores = self.scores(weights, slopes)
        return Topology.from_masks(largest_overall(scores, round(density * total)))


class SnipInitial(ByLoss):
    """Connection sensitivity: |g ⊙ w|, by how much the loss changes when a weight is taken away.

    Source: Lee, Ajanthan & Torr 2019, "SNIP", Algorithm 1.
    """

    def scores(self, weights: Weights, slopes: Slopes) -> dict[str, Tensor]:
        """|g ⊙ w|."""
        return {name: (slopes.gradients[name] * w).abs() for name, w in weights.items()}


class GraspInitial(ByLoss):
    """Preservation of gradient flow: those go first whose removal raises the gradient's norm.

    Without a weight w the squared norm of the gradient changes by 2 · (−w · Hg), to first order.
    What is kept has the smallest −w ⊙ Hg.

    Source: Wang, Zhang & Grosse 2020, "Picking Winning Tickets Before Training by Preserving
    Gradient Flow", Algorithm 1.
    """

    needs_curvature = True

    def scores(self, weights: Weights, slopes: Slopes) -> dict[str, Tensor]:
        """W ⊙ Hg."""
        assert slopes.curvature is not None  # what needs_curvature asks for
        return {name: slopes.curvature[name] * w for name, w in weights.items()}
