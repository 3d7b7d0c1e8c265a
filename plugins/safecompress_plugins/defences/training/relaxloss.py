"""RelaxLoss: train to a loss that unseen samples can reach as well, and no further."""

import torch
from torch import Tensor

from safecompress_core.toolkit import Defence, Step
from safecompress_plugins.defences.manifest import RelaxLossParams

__all__ = ["RelaxLoss", "flattened_labels"]


class RelaxLoss(Defence):
    """Changes the cross-entropy term once its mean over a batch, L, is under ``target``.

    ==============  ==================  ====================================================
    L ≥ target      every epoch         L, ordinary descent
    L < target      even epochs         2·target − L, gradient ascent
    L < target      odd epochs          cross-entropy with `flattened_labels`
    ==============  ==================  ====================================================

    The labels are constants, so that flattening leaves the confidence in the true class alone and
    only evens out the others. Terms that defences before this one have added to the loss stay as
    they are.

    Source: Chen, Yu & Fritz 2022, "RelaxLoss", ICLR, Algorithm 1. Their published code adds
    gradient ascent to the flattening for images and lets the gradient through the labels; here is
    what the algorithm states.
    """

    def __init__(self, params: RelaxLossParams) -> None:
        super().__init__()
        self._target = params.target

    def loss(self, step: Step, loss: Tensor) -> Tensor:
        """The loss with its cross-entropy term relaxed."""
        cross_entropy = step.losses.mean()
        if cross_entropy >= self._target:
            return loss
        if step.epoch % 2 == 0:
            relaxed = 2 * self._target - cross_entropy
        else:
            soft = flattened_labels(step.logits.detach(), step.batch.labels)
            relaxed = -(soft * step.logits.log_softmax(dim=1)).sum(dim=1).mean()
        return loss - cross_entropy + relaxed


def flattened_labels(logits: Tensor, labels: Tensor) -> Tensor:
    """Soft labels, shape (B, C): p_y for the true class, (1 − p_y) / (C − 1) for every other.

    Source: Chen, Yu & Fritz 2022, Algorithm 1.
    """
    confidence = logits.softmax(dim=1).gather(1, labels[:, None])  # (B, 1)
    others = (1 - confidence) / (logits.shape[1] - 1)
    return torch.scatter(others.expand_as(logits), 1, labels[:, None], confidence)
