"""Pair-based posterior balancing (PPB): similar ranked posteriors for all samples."""

from torch import Tensor
from torch.nn import functional as F

from safecompress_core.toolkit import Defence, Step
from safecompress_plugins.defences.manifest import PairRegularisationParams

__all__ = ["PairRegularisation"]


class PairRegularisation(Defence):
    """Adds the divergence between the ranked posteriors of pairs of samples of the batch.

    The first half of the batch is paired with the second; of an odd number the last sample has no
    pair. With R(p) the posteriors in descending order::

        L + weight · mean over pairs (i, j) of KL(R(p_j) ‖ R(p_i))

    The gradient flows through both sides. Batches are random, and so are their pairs.

    Source: Yuan & Zhang 2022, "Membership Inference Attacks and Defenses in Neural Network
    Pruning", USENIX Security (PPB); pairing and direction are those of their published code.
    """

    needs_whole_batch = ""

    def __init__(self, params: PairRegularisationParams) -> None:
        super().__init__()
        self._weight = params.weight

    def loss(self, step: Step, loss: Tensor) -> Tensor:
        """Add the pairs' divergence to the loss."""
        half = len(step.logits) // 2
        if not half:  # a last batch of one sample has no pair
            return loss
        ranked = step.logits.sort(dim=1, descending=True).values.log_softmax(dim=1)
        divergence = F.kl_div(
            ranked[:half], ranked[half : 2 * half], log_target=True, reduction="batchmean"
        )
        return loss + self._weight * divergence
