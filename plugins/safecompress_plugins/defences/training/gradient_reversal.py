"""Adversarial removal of a private attribute from the representation."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from safecompress_core.toolkit import Defence, PoolError, Step
from safecompress_plugins.defences.manifest import GradientReversalParams

__all__ = ["GradientReversal", "reverse_gradient"]


class GradientReversal(Defence):
    """Trains the representation against an adversary that infers the attribute from it.

    The adversary's cross-entropy is added to the loss. Its own weights descend on it; the gradient
    that reaches the representation is multiplied by −``weight`` (Ganin & Lempitsky 2015, Eq. 4–9),
    here constant over training. The adversary, H → hidden → V with ReLU, is not stored with the
    model.
    """

    needs_whole_batch = ""
    adversary: nn.Sequential

    def __init__(self, params: GradientReversalParams) -> None:
        super().__init__()
        self._attribute = params.attribute
        self._weight = params.weight
        self._hidden = params.hidden

    def prepare(
        self,
        *,
        representation: int,
        classes: int,
        attributes: Mapping[str, int],
        generator: torch.Generator,
    ) -> None:
        """Initialise the adversary's weights: He's rule, biases 0.

        Raises:
            PoolError: if the samples do not have the attribute.
        """
        if self._attribute not in attributes:
            known = ", ".join(sorted(attributes)) or "none"
            raise PoolError(
                f"gradient-reversal: the data have no attribute {self._attribute!r}; "
                f"there are: {known}"
            )
        self.adversary = nn.Sequential(
            _linear(representation, self._hidden, generator),
            nn.ReLU(),
            _linear(self._hidden, attributes[self._attribute], generator),
        )

    def loss(self, step: Step, loss: Tensor) -> Tensor:
        """Add the adversary's loss."""
        guess = self.adversary(reverse_gradient(step.representation, self._weight))
        return loss + F.cross_entropy(guess, step.batch.attributes[self._attribute])


def reverse_gradient(tensor: Tensor, weight: float) -> Tensor:
    """Return the same values; a gradient through them is multiplied by −``weight``.

    Source: Ganin & Lempitsky 2015, Eq. 7 and 8.
    """
    reversed_: Tensor = _Reversal.apply(tensor, weight)  # type: ignore[no-untyped-call]
    return reversed_


class _Reversal(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, tensor: Tensor, weight: float) -> Tensor:
        ctx.weight = weight
        # A view: returning the input itself would let autograd skip this function.
        return tensor.view_as(tensor)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return -ctx.weight * gradient, None


# skip_init leaves torch's global state alone; the weights are drawn from the generator.
def _linear(inputs: int, outputs: int, generator: torch.Generator) -> nn.Linear:
    layer: nn.Linear = nn.utils.skip_init(nn.Linear, inputs, outputs)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
    nn.init.zeros_(layer.bias)
    return layer
