"""Entropy regularisation: uncertain posteriors reveal less of the training set."""

from torch import Tensor

from safecompress_core.toolkit import Defence, Step
from safecompress_plugins.defences.manifest import EntropyRegularisationParams

__all__ = ["EntropyRegularisation"]


class EntropyRegularisation(Defence):
    """Subtracts ``weight`` times the mean entropy of the posteriors from the loss.

    With p the posteriors, H(p) = −Σ_c p_c log p_c in nats and E the misclassified samples::

        on: all            L − weight · mean over the batch of H(p)     (re1)
        on: misclassified  L − weight · mean over E of H(p)             (re2)

    Without misclassified samples the second term is 0.

    Source: Zhu, Wang & Han 2022, ASE, Eq. 8 and 9; they take re1 from Pereyra et al. 2017
    (confidence penalty) and re2 from Larrazabal et al. 2023 (maximum entropy on erroneous
    predictions). Entropy is subtracted, as their published code does.
    """

    needs_whole_batch = ""

    def __init__(self, params: EntropyRegularisationParams) -> None:
        super().__init__()
        self._everywhere = params.on == "all"
        # A mean over misclassified samples depends on how many of the batch there are.
        self.is_per_sample = self._everywhere
        self._weight = params.weight

    def loss(self, step: Step, loss: Tensor) -> Tensor:
        """Subtract the weighted entropy from the loss."""
        log_posteriors = step.logits.log_softmax(dim=1)  # (B, C)
        entropy = -(log_posteriors.exp() * log_posteriors).sum(dim=1)  # (B,)
        if self._everywhere:
            return loss - self._weight * entropy.mean()
        wrong = (step.logits.argmax(dim=1) != step.batch.labels).to(entropy.dtype)
        # A sum over a clamped count: the mean of an empty set would be NaN. Of the whole batch, of
        # which this process's loss counts for its share.
        count = step.group.sum(wrong.sum()).clamp(min=1) * step.share
        return loss - self._weight * (entropy * wrong).sum() / count
