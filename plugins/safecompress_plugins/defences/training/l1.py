"""The L1 penalty."""

import torch
from torch import Tensor

from safecompress_core.toolkit import Defence, Step
from safecompress_plugins.defences.manifest import L1Params

__all__ = ["L1"]


class L1(Defence):
    """Adds weight · Σ |w| over all prunable weights; biases are excluded.

    Its gradient is weight · sign(w), and 0 where w is 0. Source: Tibshirani 1996, "Regression
    Shrinkage and Selection via the Lasso", JRSS B 58.
    """

    needs_whole_batch = ""

    def __init__(self, params: L1Params) -> None:
        super().__init__()
        self._weight = params.weight

    def loss(self, step: Step, loss: Tensor) -> Tensor:
        """Add the penalty to the loss."""
        sizes = [weights.abs().sum() for weights in step.weights.values()]
        return loss + self._weight * torch.stack(sizes).sum()
