"""The soft decision tree."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from safecompress_core.toolkit import ModelFactory
from safecompress_plugins.models.initialisation import by_lecun, initialise
from safecompress_plugins.models.manifest import SoftTreeParams

__all__ = ["SoftTree", "SoftTreeFactory", "node_shares"]

# N samples · D inputs of a sample · I inner nodes · L = I + 1 leaves · C classes


class SoftTree(nn.Module):
    """A binary tree of linear decisions, each a probability, with logits at its leaves.

    Inner nodes are numbered level by level from the root, leaves from left to right. Node i sends a
    sample x to the right with probability σ(β · (w_i · x + b_i)).

    The representation is the probability of each leaf, shape (N, L), and the logits are its product
    with the leaves' logits: a linear layer, as every classifier of SafeCompress ends in one. An
    average of the leaves' log-probabilities stands here where the paper averages probabilities;
    with ``answer="leaf"`` both are the distribution of the leaf with the greatest probability.

    Source: Frosst & Hinton 2017, "Distilling a Neural Network Into a Soft Decision Tree",
    section 3.

    Attributes:
        filters: w and b of the inner nodes, from D to I.
        leaves: logits of the leaves, weight of shape (C, L).

    Args:
        inputs: D.
        classes: C.
        depth: decisions on the way to a leaf.
        beta: the inverse temperature β of decisions.
        answer: ``mixture`` of all leaves, or the best ``leaf`` alone, in eval mode.
    """

    def __init__(self, inputs: int, classes: int, *, depth: int, beta: float, answer: str) -> None:
        super().__init__()
        self.filters = nn.Linear(inputs, 2**depth - 1)
        self.leaves = nn.Linear(2**depth, classes, bias=False)
        self._depth = depth
        self._beta = beta
        self._answers_by_leaf = answer == "leaf"

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits, shape (N, C)."""
        paths = self.path_probabilities(inputs)
        # In training always soft, as the paper trains it.
        if self._answers_by_leaf and not self.training:
            best = F.one_hot(paths.argmax(dim=1), paths.shape[1])
            # Values of the best leaf with the gradient of all: an attack that follows gradients
            # must not fail for want of one (Athalye, Carlini & Wagner 2018, section 4.1).
            paths = best + (paths - paths.detach())
        logits: Tensor = self.leaves(paths)
        return logits

    def path_probabilities(self, inputs: Tensor) -> Tensor:
        """Return the probability of each leaf, shape (N, L); rows sum to 1."""
        right = torch.sigmoid(self._beta * self.filters(inputs.flatten(1)))  # (N, I)
        paths = torch.ones_like(right[:, :1])
        for level in range(self._depth):
            turn = right[:, 2**level - 1 : 2 ** (level + 1) - 1]  # (N, 2^level)
            paths = torch.stack((paths * (1 - turn), paths * turn), dim=2).flatten(1)
        return paths


def node_shares(paths: Tensor) -> list[Tensor]:
    """Return the probability of each node, level by level, leaves included.

    Args:
        paths: probability of each leaf, shape (..., L).

    Returns:
        Of each level d from 0 to the depth, shape (..., 2^d).
    """
    depth = paths.shape[-1].bit_length() - 1
    return [paths.unflatten(-1, (2**level, -1)).sum(dim=-1) for level in range(depth + 1)]


class SoftTreeFactory(ModelFactory):
    """A soft decision tree over flattened inputs."""

    def __init__(self, params: SoftTreeParams) -> None:
        self._params = params

    def build(
        self, *, input_shape: tuple[int, ...], classes: int, generator: torch.Generator
    ) -> nn.Module:
        """Build a new tree; weights and biases by torch's rule, from ``generator``."""

        def make() -> nn.Module:
            return SoftTree(
                math.prod(input_shape),
                classes,
                depth=self._params.depth,
                beta=self._params.beta,
                answer=self._params.answer,
            )

        return initialise(make, by_lecun, generator=generator)
