"""The training part of HAMP: a model that is never taught to be sure."""

import math
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from safecompress_core.toolkit import Batch, Defence, Step
from safecompress_plugins.defences.manifest import HampParams

__all__ = ["Hamp", "largest_share"]


class Hamp(Defence):
    """High-entropy soft labels, and entropy of the answers subtracted from the loss.

    The label's class has the largest share p with which the entropy of the target is still
    γ · log C, all others have (1 − p) / (C − 1). With H the entropy of the posteriors::

        cross-entropy with these targets − α · mean H

    Cross-entropy has the gradient of the paper's KL divergence, since targets are constant. The
    paper's other half is no part of training and is not done here: at test time it puts the sorted
    values of a random input's answer in the place of every answer, which changes what ships.

    Source: Chen & Pattabiraman 2024, "Overconfidence is a Dangerous Thing: Mitigating Membership
    Inference Attacks by Enforcing Less Confident Prediction", NDSS: high-entropy soft labels and
    entropy-based regularisation.
    """

    is_per_sample = True
    _classes: int

    def __init__(self, params: HampParams) -> None:
        super().__init__()
        self._params = params

    def prepare(self, *, classes: int, **_: object) -> None:
        """Solve for the label's share, which depends on how many classes there are."""
        self._classes = classes
        self._share = largest_share(self._params.entropy, classes)

    def transform(self, batch: Batch, *, generator: torch.Generator) -> Batch:
        """The batch with softer targets; those of another defence are evened out as much."""
        targets = batch.targets
        if targets is None:
            targets = F.one_hot(batch.labels, self._classes).float()
        rest = (1 - self._share) / (self._classes - 1)
        return replace(batch, targets=rest + (self._share - rest) * targets)

    def loss(self, step: Step, loss: Tensor) -> Tensor:
        """The loss less the entropy."""
        log_posteriors = step.logits.log_softmax(dim=1)  # (B, C)
        entropy = -(log_posteriors.exp() * log_posteriors).sum(dim=1)
        return loss - self._params.weight * entropy.mean()


def largest_share(entropy: float, classes: int) -> float:
    """The largest p for which p and (1 − p) / (C − 1) for all others have ``entropy`` · log C.

    Entropy falls from log C at p = 1/C to 0 at p = 1, so halving finds it, to 2⁻⁶⁰.
    """
    low, high = 1 / classes, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        others = 1 - middle
        reached = -middle * math.log(middle)
        if others > 0:
            reached -= others * math.log(others / (classes - 1))
        low, high = (middle, high) if reached >= entropy * math.log(classes) else (low, middle)
    return low
