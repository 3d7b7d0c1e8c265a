"""The three parts of a strategy: where weights start, which are pruned, which are grown."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from safecompress_core.api import Definition
from safecompress_core.errors import TopologyError
from safecompress_core.host.boundary import check_result
from safecompress_core.sparse.topology import Masks, Topology

__all__ = ["Grow", "History", "Initial", "LossGradients", "Prune", "Weights"]

Weights = Mapping[str, Tensor]
"""Weights (or gradients) by parameter name; each of the same shape as the mask of that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LossGradients:
    """Gradients of the plain loss with respect to each weight of the dense network.

    Attributes:
        gradients: g, the gradient of the mean loss.
        curvature: H·g, the Hessian of the mean loss times its gradient; None unless asked for.
    """

    gradients: Weights
    curvature: Weights | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Accumulated gradients and past activity of weights, which a topology may grow by.

    Attributes:
        explored: every position that has been active since the network became sparse; those that
            are active now are among them.
        momentum: by layer, the running average of the gradients that training followed, for
            inactive weights too: m ← 0.9 · m + 0.1 · g with each step. None unless asked for.
        dropped: what the current update has just pruned, True where dropped; a layer that is not
            named has lost nothing.
    """

    explored: Topology
    momentum: Weights | None = None
    dropped: Masks = field(default_factory=dict)


def _check_topology(
    _: Definition, topology: object, weights: Weights, density: float, **__: object
) -> None:
    """A topology of these weights, and of exactly this density."""
    if not isinstance(topology, Topology):
        raise ValueError(f"returned {type(topology).__name__}; it must return a Topology")
    topology.require_match(weights, what="weights")
    # The same rounding as in allocation, or a correct rule would miss by one.
    wanted = round(density * topology.total)
    if topology.total_active != wanted:
        message = f"returned {topology.total_active} active weights of {topology.total}"
        raise ValueError(f"{message}; it must return {wanted}")


def _check_dropped(
    _: Definition, masks: object, __: Weights, topology: Topology, **___: object
) -> None:
    """Active positions of the topology, and no more than can be replaced."""
    dropped = _complete(masks, topology)
    # Per layer: a layer must keep a weight, and room for what is grown.
    for name, limit in topology.replaceable().items():
        mask = dropped[name]
        if wrong := int((mask & ~topology.masks[name]).count_nonzero()):
            raise ValueError(f"returned {wrong} positions of {name} that are not active")
        if (count := int(mask.count_nonzero())) > limit:
            message = f"returned {count} positions of {name}"
            raise ValueError(f"{message}; it must return at most {limit}, which can be replaced")


def _check_grown(
    _: Definition, masks: object, topology: Topology, counts: Mapping[str, int], **__: object
) -> None:
    """Inactive positions of the topology, as many as were dropped."""
    grown = _complete(masks, topology)
    for name, mask in grown.items():
        if wrong := int((mask & topology.masks[name]).count_nonzero()):
            raise ValueError(f"returned {wrong} positions of {name} that are active already")
    # Over all layers: a rule may move weights from one layer to another.
    count, wanted = sum(int(mask.count_nonzero()) for mask in grown.values()), sum(counts.values())
    if count != wanted:
        raise ValueError(f"returned {count} positions; it must return {wanted}")


def _complete(masks: object, topology: Topology) -> dict[str, Tensor]:
    wanted = "it must return bool tensors by the names of layers"
    if not isinstance(masks, Mapping):
        raise ValueError(f"returned {type(masks).__name__}; {wanted}")
    for name, mask in masks.items():
        if not isinstance(mask, Tensor):
            raise ValueError(f"returned {type(mask).__name__} for {name}; {wanted}")
    try:
        return topology.complete(masks)
    except TopologyError as error:
        # The cause is this message; a second traceback adds nothing.
        raise ValueError(f"returned what fits no layer: {error}; {wanted}") from None


class Initial(ABC):
    """Chooses the first topology; built from a subclass of ``InitialParams``.

    Attributes:
        gradient_batches: over how many batches ``loss_gradients`` are averaged; 0 if not needed.
        needs_curvature: whether they have to hold the curvature as well.
    """

    gradient_batches: int = 0
    needs_curvature: bool = False

    @abstractmethod
    @check_result(_check_topology)
    def topology(
        self,
        weights: Weights,
        density: float,
        *,
        inherited: bool,
        generator: torch.Generator,
        loss_gradients: LossGradients | None = None,
    ) -> Topology:
        """A topology with exactly ``round(density * total)`` active weights.

        Args:
            weights: the weights that training will start from.
            density: fraction of weights kept over all layers, in (0, 1].
            inherited: whether the weights come from a trained model, so that their size matters.
            generator: what random positions are drawn from.
            loss_gradients: of the loss at these weights, when ``gradient_batches`` asks for them.

        Raises:
            TopologyError: if a layer would be left without a single weight.
        """


class Prune(ABC):
    """Chooses the active weights that make room.

    Attributes:
        gradient_batches: over how many batches the gradient is averaged; 0 if not needed.
    """

    gradient_batches: int = 0

    @abstractmethod
    @check_result(_check_dropped)
    def drop(
        self,
        weights: Weights,
        topology: Topology,
        *,
        fraction: float,
        gradients: Weights | None = None,
    ) -> Masks:
        """The active positions to give up, True where dropped.

        At most as many are dropped in a layer as it has inactive positions, and never all of its
        weights.

        Args:
            weights: as they are now.
            topology: before pruning.
            fraction: the scheduled share of active weights, in [0, 1]; a rule with a criterion of
                its own may leave it unread.
            gradients: of the loss, given only when ``gradient_batches`` asks for them: a rule that
                does not may leave this argument out.
        """

    def facts(self, topology: Topology) -> Mapping[str, Any]:
        """Return facts about the chosen model's topology for the results, JSON-ready."""
        return {}


class Grow(ABC):
    """Chooses the inactive positions that take the place of what was pruned.

    Attributes:
        gradient_batches: over how many batches the dense gradient is averaged; 0 if not needed.
        needs_history: whether it asks which positions have been active before, and which of them
            have just been pruned.
        needs_momentum: whether that history has to hold the running average of gradients as well;
            it is gathered while a model trains, which costs a pass over its weights in each step.
    """

    gradient_batches: int = 0
    needs_history: bool = False
    needs_momentum: bool = False

    @abstractmethod
    @check_result(_check_grown)
    def grow(
        self,
        topology: Topology,
        counts: Mapping[str, int],
        *,
        gradients: Weights | None,
        generator: torch.Generator,
        history: History | None = None,
    ) -> Masks:
        """Exactly ``sum(counts.values())`` positions to activate, True where grown.

        Args:
            topology: before pruning; only its inactive positions may grow, so that a weight never
                comes back in the update that pruned it.
            counts: how many weights each layer has just lost.
            gradients: dense gradients of the loss, when ``gradient_batches`` asks for them.
            generator: what random choices are drawn from.
            history: given only when ``needs_history`` asks for it: a rule that does not may leave
                this argument out.
        """
