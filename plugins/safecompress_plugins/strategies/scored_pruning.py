"""Drops the weights with the lowest scores: by magnitude, saliency or movement."""

from abc import abstractmethod

import torch
from torch import Tensor

from safecompress_core.toolkit import (
    Masks,
    Prune,
    Topology,
    TopologyError,
    Weights,
    flattened,
    unflattened,
)
from safecompress_plugins.strategies.manifest import (
    MagnitudePruningParams,
    MovementPruningParams,
    SaliencyPruningParams,
    Scope,
)
from safecompress_plugins.strategies.precedence import largest_in_turn

__all__ = ["ByScore", "MagnitudePruning", "MovementPruning", "SaliencyPruning"]


class ByScore(Prune):
    """The scheduled fraction (rounded to whole weights) with the lowest scores."""

    _scope: Scope

    @abstractmethod
    def score(self, weight: Tensor, gradient: Tensor | None) -> Tensor:
        """How much each weight of a layer should stay, given its gradient if one was asked for."""

    def first(self, weight: Tensor, active: Tensor) -> Tensor:
        """The active weights of a layer that go before all others; here there are none."""
        return torch.zeros_like(active)

    def drop(
        self,
        weights: Weights,
        topology: Topology,
        *,
        fraction: float,
        gradients: Weights | None = None,
    ) -> Masks:
        """See `Prune.drop`; of equal scores the first in memory order go.

        Raises:
            TopologyError: if gradients are needed, and there are none.
        """
        if self.gradient_batches and gradients is None:
            raise TopologyError("pruning by gradient needs gradients")
        active, limits = topology.active(), topology.replaceable()
        slopes = gradients or {}
        stays = {name: self.score(weights[name], slopes.get(name)) for name in active}
        goes = {name: -score for name, score in stays.items()}
        first = {name: self.first(weights[name], topology.masks[name]) for name in active}
        # Globally, a layer offers at most as many as it may lose, and the lowest of all go.
        wanted = {
            name: round(fraction * count) if self._scope == "layer" else count
            for name, count in active.items()
        }
        offered = {
            name: largest_in_turn(
                goes[name], topology.masks[name], first[name], min(wanted[name], limits[name])
            )
            for name in active
        }
        if self._scope == "layer":
            return offered
        pool = flattened(offered)
        count = min(round(fraction * topology.total_active), int(pool.sum()))
        dropped = largest_in_turn(flattened(goes), pool, flattened(first), count)
        return unflattened(dropped, topology.shapes)


class MagnitudePruning(ByScore):
    """The smallest |w| go."""

    def __init__(self, params: MagnitudePruningParams) -> None:
        self._scope = params.scope

    def score(self, weight: Tensor, gradient: Tensor | None) -> Tensor:
        """|w|."""
        return weight.abs()


class SaliencyPruning(ByScore):
    """The smallest |w · g| go: to first order, what taking a weight away does to the loss.

    g is the gradient of the mean loss of ``batches`` batches. Where training has converged it is
    small and mostly noise, so that more batches rank weights more reliably.

    Source: Molchanov et al. 2017, "Pruning Convolutional Neural Networks for Resource Efficient
    Inference", ICLR, section 2.2 (Taylor expansion); Molchanov et al. 2019, "Importance Estimation
    for Neural Network Pruning", CVPR, section 3, whose square ranks alike. There for filters.
    """

    def __init__(self, params: SaliencyPruningParams) -> None:
        self._scope = params.scope
        self.gradient_batches = params.batches

    def score(self, weight: Tensor, gradient: Tensor | None) -> Tensor:
        """|w · g|."""
        assert gradient is not None  # what gradient_batches asks for
        return (weight * gradient).abs()


class MovementPruning(ByScore):
    """The smallest −w · g go: weights that a step against the gradient would bring nearest to 0.

    It is the movement of the moment, from the gradient of the mean loss of ``batches`` batches at
    the weights as they are. The paper adds it up over training with a straight-through mask, which
    needs masked weights to be trained on; that is the method ``movement``.

    Source: Sanh, Wolf & Rush 2020, "Movement Pruning", section 4: one term of the sum.
    """

    def __init__(self, params: MovementPruningParams) -> None:
        self._scope = params.scope
        self.gradient_batches = params.batches

    def score(self, weight: Tensor, gradient: Tensor | None) -> Tensor:
        """−w · g; negative where the gradient step makes a weight smaller."""
        assert gradient is not None  # what gradient_batches asks for
        return -weight * gradient
