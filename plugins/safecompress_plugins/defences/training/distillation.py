"""Knowledge distillation from the uncompressed model."""

import torch
from torch import Tensor
from torch.nn import functional as F

from safecompress_core.toolkit import Classifier, Defence, DefenceInputs, Step
from safecompress_plugins.defences.manifest import DistillationParams

__all__ = ["Distillation"]


class Distillation(Defence):
    """Trains on the uncompressed model's softened outputs in addition to labels.

    With p_T the posteriors at temperature T of teacher and model::

        (1 − α) · cross-entropy + α · T² · KL(teacher's p_T ‖ model's p_T)

    T² keeps the second term's gradients at the same scale for any temperature. Loss terms of
    earlier defences are unchanged.

    Source: Hinton, Vinyals & Dean 2015, "Distilling the Knowledge in a Neural Network", section 2.
    """

    needs_whole_batch = ""

    def __init__(self, params: DistillationParams) -> None:
        super().__init__()
        self._temperature = params.temperature
        self._alpha = params.alpha
        # in a list: not a submodule, so neither trained nor stored
        self._teacher: list[Classifier] = []

    def equip(self, inputs: DefenceInputs) -> None:
        """Store the teacher."""
        assert inputs.teacher is not None  # guaranteed by the definition
        self._teacher = [inputs.teacher]

    def loss(self, step: Step, loss: Tensor) -> Tensor:
        """Replace a share of the loss's cross-entropy by the teacher's."""
        with torch.no_grad():
            answers = self._teacher[0](step.batch.inputs)
        divergence = F.kl_div(
            (step.logits / self._temperature).log_softmax(dim=1),
            (answers.float() / self._temperature).log_softmax(dim=1),
            log_target=True,
            reduction="batchmean",
        )
        softened = self._temperature**2 * divergence
        # Only the cross-entropy is replaced: `loss` may hold other defences' terms as well.
        return loss + self._alpha * (softened - step.losses.mean())
