"""The L2 penalty."""

import torch
from torch import Tensor

from safecompress_core.toolkit import Defence, Step
from safecompress_plugins.defences.manifest import L2Params

__all__ = ["L2"]


class L2(Defence):
    """Adds weight/2 · Σ w² over all prunable weights; biases are excluded.

    Its gradient is weight · w, as in Krogh & Hertz 1991, Eq. 3. Unlike the optimizer's weight
    decay, a strategy can change it.
    """

    needs_whole_batch = ""

    def __init__(self, params: L2Params) -> None:
        super().__init__()
        self._weight = params.weight

    def loss(self, step: Step, loss: Tensor) -> Tensor:
        """Add the penalty to the loss."""
        squares = [weights.square().sum() for weights in step.weights.values()]
        return loss + self._weight / 2 * torch.stack(squares).sum()
