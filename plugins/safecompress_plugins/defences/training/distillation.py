"""Knowledge distillation: the compressed model learns what the uncompressed one answers."""

import torch
from torch import Tensor
from torch.nn import functional as F

from safecompress_core.toolkit import Classifier, Defence, Step, Supplies
from safecompress_plugins.defences.manifest import DistillationParams

__all__ = ["Distillation"]


class Distillation(Defence):
    """Has the model learn the uncompressed one's softened answers beside the labels.

    With p_T the posteriors at temperature T, those of the teacher and of the model::

        (1 − α) · cross-entropy + α · T² · KL(teacher's p_T ‖ model's p_T)

    T² keeps the second term's gradients as large at any temperature. Terms that defences before
    this one have added to the loss stay as they are.

    Source: Hinton, Vinyals & Dean 2015, "Distilling the Knowledge in a Neural Network", section 2.
    """

    def __init__(self, params: DistillationParams) -> None:
        super().__init__()
        self._temperature = params.temperature
        self._alpha = params.alpha
        self._teacher: list[Classifier] = []  # in a list: it is no part of what is trained

    def equip(self, supplies: Supplies) -> None:
        """Keep the teacher."""
        assert supplies.teacher is not None  # the definition asks for one
        self._teacher = [supplies.teacher]

    def loss(self, step: Step, loss: Tensor) -> Tensor:
        """The loss with a share of its cross-entropy exchanged for the teacher's."""
        with torch.no_grad():
            answers = self._teacher[0](step.batch.inputs)
        divergence = F.kl_div(
            (step.logits / self._temperature).log_softmax(dim=1),
            (answers.float() / self._temperature).log_softmax(dim=1),
            log_target=True,
            reduction="batchmean",
        )
        softened = self._temperature**2 * divergence
        return loss + self._alpha * (softened - step.losses.mean())
