"""Pruning by the lowest scores: magnitude, saliency or movement."""

from abc import abstractmethod

import torch
from torch import Tensor

from safecompress_core.toolkit import (
    Masks,
    Prune,
    Topology,
    TopologyError,
    Weights,
    flatten,
    unflatten,
)
from safecompress_plugins.strategies.manifest import (
    ChannelPruningParams,
    MagnitudePruningParams,
    MovementPruningParams,
    SaliencyPruningParams,
    Scope,
)
from safecompress_plugins.strategies.precedence import largest_in_turn

__all__ = ["ByScore", "ChannelPruning", "MagnitudePruning", "MovementPruning", "SaliencyPruning"]


class ByScore(Prune):
    """Prunes the scheduled fraction (rounded to whole weights) with the lowest scores."""

    _scope: Scope

    @abstractmethod
    def score(self, weight: Tensor, gradient: Tensor | None) -> Tensor:
        """Return each weight's score, given its gradient if requested; lower ones are pruned."""

    def first(self, weight: Tensor, active: Tensor) -> Tensor:
        """Select the active weights to prune before all others; none here."""
        return torch.zeros_like(active)

    def drop(
        self,
        weights: Weights,
        topology: Topology,
        *,
        fraction: float,
        gradients: Weights | None = None,
    ) -> Masks:
        """See `Prune.drop`; ties prune the first in memory order.

        Raises:
            TopologyError: if gradients are required and missing.
        """
        if self.gradient_batches and gradients is None:
            raise TopologyError("pruning by gradient needs gradients")
        active, limits = topology.active(), topology.replaceable()
        slopes = gradients or {}
        stays = {name: self.score(weights[name], slopes.get(name)) for name in active}
        # Negated, so that ranking and its tie rule are shared with growth.
        goes = {name: -score for name, score in stays.items()}
        first = {name: self.first(weights[name], topology.masks[name]) for name in active}
        # Globally, each layer offers as many as it may lose, and the lowest of all are pruned.
        wanted = {
            name: round(fraction * count) if self._scope == "layer" else count
            for name, count in active.items()
        }
        # A layer must keep a weight, hence its limit, in either scope.
        offered = {
            name: largest_in_turn(
                goes[name], topology.masks[name], first[name], min(wanted[name], limits[name])
            )
            for name in active
        }
        if self._scope == "layer":
            return offered
        pool = flatten(offered)
        # Rounded over the total, so that the overall density is exact whatever the layers' sizes.
        count = min(round(fraction * topology.total_active), int(pool.sum()))
        dropped = largest_in_turn(flatten(goes), pool, flatten(first), count)
        return unflatten(dropped, topology.shapes)


class MagnitudePruning(ByScore):
    """Prunes the smallest |w|."""

    def __init__(self, params: MagnitudePruningParams) -> None:
        self._scope = params.scope

    def score(self, weight: Tensor, gradient: Tensor | None) -> Tensor:
        """Return |w|."""
        return weight.abs()


class ChannelPruning(ByScore):
    """Prunes whole output channels, those of the smallest norm first.

    A channel's norm is the sum of |w| over its active weights, relative to the mean of its layer.
    Counts are those of single weights, so the last channel may lose only a part: its first in
    memory order. A channel that has lost weights has a smaller norm, and goes on losing them.

    Source: Li et al. 2017, "Pruning Filters for Efficient ConvNets", ICLR, section 3.1.
    """

    def __init__(self, params: ChannelPruningParams) -> None:
        self._scope = params.scope

    def score(self, weight: Tensor, gradient: Tensor | None) -> Tensor:
        """Return the norm of each weight's channel."""
        norms = weight.abs().flatten(1).sum(dim=1)  # (outputs,)
        # A layer of zeros has no mean to divide by.
        relative = norms / norms.mean().clamp_min(torch.finfo(norms.dtype).tiny)
        return relative.view(-1, *[1] * (weight.ndim - 1)).expand_as(weight)


class SaliencyPruning(ByScore):
    """Prunes the smallest |w · g|: to first order, the change of the loss without the weight.

    g is the gradient of the mean loss of ``batches`` batches. After convergence it is small and
    mostly noise, so more batches rank weights more reliably.

    Source: Molchanov et al. 2017, "Pruning Convolutional Neural Networks for Resource Efficient
    Inference", ICLR, section 2.2 (Taylor expansion); Molchanov et al. 2019, "Importance Estimation
    for Neural Network Pruning", CVPR, section 3, whose square ranks alike. There for filters.
    """

    def __init__(self, params: SaliencyPruningParams) -> None:
        self._scope = params.scope
        self.gradient_batches = params.batches

    def score(self, weight: Tensor, gradient: Tensor | None) -> Tensor:
        """Return |w · g|."""
        assert gradient is not None  # guaranteed by gradient_batches
        return (weight * gradient).abs()


class MovementPruning(ByScore):
    """Prunes the smallest −w · g: weights that a gradient step brings nearest to 0.

    It is the current movement, from the gradient of the mean loss of ``batches`` batches at the
    current weights. The paper accumulates it over training with a straight-through mask, which
    needs gradients of masked weights; that is the method ``movement``.

    Source: Sanh, Wolf & Rush 2020, "Movement Pruning", section 4: one term of the sum.
    """

    def __init__(self, params: MovementPruningParams) -> None:
        self._scope = params.scope
        self.gradient_batches = params.batches

    def score(self, weight: Tensor, gradient: Tensor | None) -> Tensor:
        """Return −w · g; negative where the gradient step makes a weight smaller."""
        assert gradient is not None  # guaranteed by gradient_batches
        return -weight * gradient
