"""The three parts of a strategy: where weights start, which are pruned, which are grown."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from safecompress_core.sparse.topology import Masks, Topology

__all__ = ["Grow", "History", "Initial", "Prune", "Slopes", "Weights"]

Weights = Mapping[str, Tensor]
"""Weights (or gradients) by parameter name; each of the same shape as the mask of that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slopes:
    """How the plain loss of some samples changes with each weight of a dense network.

    Attributes:
        gradients: g, the gradient of the mean loss.
        curvature: H·g, the Hessian of the mean loss times its gradient; None unless asked for.
    """

    gradients: Weights
    curvature: Weights | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What training, and the update at hand, have left behind for a topology to grow by.

    Attributes:
        explored: every position that has been active since the network became sparse; those that
            are active now are among them.
        momentum: by layer, the running average of the gradients that training followed, for
            inactive weights too: m ← 0.9 · m + 0.1 · g with each step. None unless asked for.
        dropped: what the update at hand has just pruned, True where dropped; a layer that is not
            named has lost nothing.
    """

    explored: Topology
    momentum: Weights | None = None
    dropped: Masks = field(default_factory=dict)


class Initial(ABC):
    """Chooses the first topology; built from a subclass of ``InitialParams``.

    Attributes:
        gradient_batches: over how many batches ``slopes`` are averaged; 0 if not needed.
        needs_curvature: whether they have to hold the curvature as well.
    """

    gradient_batches: int = 0
    needs_curvature: bool = False

    @abstractmethod
    def topology(
        self,
        weights: Weights,
        density: float,
        *,
        inherited: bool,
        generator: torch.Generator,
        slopes: Slopes | None = None,
    ) -> Topology:
        """A topology with exactly ``round(density * total)`` active weights.

        Args:
            weights: the weights that training will start from.
            density: fraction of weights kept over all layers, in (0, 1].
            inherited: whether the weights come from a trained model, so that their size matters.
            generator: what random positions are drawn from.
            slopes: of the loss at these weights, when ``gradient_batches`` asks for them.

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
        """What results should say of the topology that the chosen model has, JSON-ready."""
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
