"""Training through a projection of the weights, with a straight-through gradient."""

from abc import abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from safecompress_core.toolkit import Batch, Defence, Step

__all__ = ["Projected"]


class Projected(Defence):
    """Each step uses Π(W), and its gradient updates W (straight-through estimator).

    ::

        W' = Π(W)                  the network that processes the batch
            W ← W − γ · ∂L/∂W'         the optimizer's step

    Source: Bengio, Léonard & Courville 2013, "Estimating or Propagating Gradients Through
    Stochastic Neurons for Conditional Computation".

    Args:
        weights: to project, by name.
    """

    def __init__(self, weights: Mapping[str, nn.Parameter]) -> None:
        super().__init__()
        self._weights = weights
        self._values: dict[str, Tensor] = {}

    @abstractmethod
    def projection(self, name: str, weight: Tensor) -> Tensor:
        """Return Π of a weight, of its shape."""

    @torch.no_grad()
    def transform(self, batch: Batch, *, generator: torch.Generator) -> Batch:
        """Project the weights; the batch is unchanged."""
        for name, weight in self._weights.items():
            # Kept aside: the optimizer must step from W, not from its projection.
            self._values[name] = weight.detach().clone()
            weight.copy_(self.projection(name, self._values[name]))
        return batch

    @torch.no_grad()
    def adjust(self, step: Step, *, generator: torch.Generator) -> None:
        """Restore the weights for the optimizer's step."""
        for name, weight in self._weights.items():
            weight.copy_(self._values[name])
