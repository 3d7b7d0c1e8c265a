"""RelaxLoss: training to a target loss that non-members can reach too."""

import torch
from torch import Tensor

from safecompress_core.toolkit import Defence, Step
from safecompress_plugins.defences.manifest import RelaxLossParams

__all__ = ["RelaxLoss", "flatten_labels"]


class RelaxLoss(Defence):
    """Changes the cross-entropy term once its mean over a batch, L, is below ``target``.

    ==============  ==================  ====================================================
    L ≥ target      every epoch         L, ordinary descent
    L < target      even epochs         2·target − L, gradient ascent
    L < target      odd epochs          cross-entropy with `flatten_labels`
    ==============  ==================  ====================================================

    The labels are constants, so that flattening does not change the confidence of the true class
    and only equalises the others. Loss terms of earlier defences are unchanged.

    Source: Chen, Yu & Fritz 2022, "RelaxLoss", ICLR, Algorithm 1. Their published code adds
    gradient ascent to the flattening for images, and lets the gradient flow through the labels;
    this follows the algorithm.
    """

    needs_whole_batch = ""

    def __init__(self, params: RelaxLossParams) -> None:
        super().__init__()
        self._target = params.target

    def loss(self, step: Step, loss: Tensor) -> Tensor:
        """Relax the loss's cross-entropy term."""
        cross_entropy = step.losses.mean()
        # Of the whole batch, so that processes that train together decide alike.
        if step.group.mean(step.losses.detach()) >= self._target:
            return loss
        if step.epoch % 2 == 0:
            # 2·target − L has the gradient of −L, and meets L at the target without a jump.
            relaxed = 2 * self._target - cross_entropy
        else:
            # Detached: the algorithm's soft labels are constants.
            soft = flatten_labels(step.logits.detach(), step.batch.labels)
            relaxed = -(soft * step.logits.log_softmax(dim=1)).sum(dim=1).mean()
        # Only the cross-entropy is replaced: `loss` may hold other defences' terms as well.
        return loss - cross_entropy + relaxed


def flatten_labels(logits: Tensor, labels: Tensor) -> Tensor:
    """Return soft labels, shape (B, C): p_y for the true class, (1 − p_y) / (C − 1) elsewhere.

    Source: Chen, Yu & Fritz 2022, Algorithm 1.
    """
    confidence = logits.softmax(dim=1).gather(1, labels[:, None])  # (B, 1)
    others = (1 - confidence) / (logits.shape[1] - 1)
    return torch.scatter(others.expand_as(logits), 1, labels[:, None], confidence)
