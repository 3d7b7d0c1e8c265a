"""Training through a projection of the weights, which the gradient passes straight through."""

from abc import abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from safecompress_core.toolkit import Batch, Defence, Step

__all__ = ["Projected"]


class Projected(Defence):
    """Every step is made with Π(W), and its gradient moves W (a straight-through estimator).

    ::

        W' = Π(W)                  the network that the batch sees
        W ← W − γ · ∂L/∂W'         what the optimizer follows

    Source: Bengio, Léonard & Courville 2013, "Estimating or Propagating Gradients Through
    Stochastic Neurons for Conditional Computation".

    Args:
        weights: what is projected, by name.
    """

    def __init__(self, weights: Mapping[str, nn.Parameter]) -> None:
        super().__init__()
        self._weights = weights
        self._values: dict[str, Tensor] = {}

    @abstractmethod
    def projection(self, name: str, weight: Tensor) -> Tensor:
        """Π: what takes the place of a weight, of its shape."""

    @torch.no_grad()
    def transform(self, batch: Batch, *, generator: torch.Generator) -> Batch:
        """Project the weights; the batch stays as it is."""
        for name, weight in self._weights.items():
            self._values[name] = weight.detach().clone()
            weight.copy_(self.projection(name, self._values[name]))
        return batch

    @torch.no_grad()
    def adjust(self, step: Step, *, generator: torch.Generator) -> None:
        """Put the weights back that the optimizer moves."""
        for name, weight in self._weights.items():
            weight.copy_(self._values[name])
