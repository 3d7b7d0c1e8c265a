"""Pair-based posterior balancing: every answer looks like any other, but for its order."""

from torch import Tensor
from torch.nn import functional as F

from safecompress_core.toolkit import Defence, Step
from safecompress_plugins.defences.manifest import PairRegularisationParams

__all__ = ["PairRegularisation"]


class PairRegularisation(Defence):
    """Adds the divergence between the ranked posteriors of two samples, over the batch's pairs.

    The first half of the batch is paired with the second one; of an odd number the last sample
    stays alone. With R(p) the posteriors in falling order::

        L + weight · mean over pairs (i, j) of KL(R(p_j) ‖ R(p_i))

    The gradient goes through both sides. A batch is drawn at random, and so are its pairs.

    Source: Yuan & Zhang 2022, "Membership Inference Attacks and Defenses in Neural Network
    Pruning", USENIX Security (PPB); pairing and direction are those of their published code.
    """

    def __init__(self, params: PairRegularisationParams) -> None:
        super().__init__()
        self._weight = params.weight

    def loss(self, step: Step, loss: Tensor) -> Tensor:
        """The loss plus the pairs' divergence."""
        half = len(step.logits) // 2
        if not half:
            return loss
        ranked = step.logits.sort(dim=1, descending=True).values.log_softmax(dim=1)
        divergence = F.kl_div(
            ranked[:half], ranked[half : 2 * half], log_target=True, reduction="batchmean"
        )
        return loss + self._weight * divergence
