"""Label smoothing: targets below certainty reduce memorisation."""

from dataclasses import replace

import torch
from torch.nn import functional as F

from safecompress_core.toolkit import Batch, Defence
from safecompress_plugins.defences.manifest import LabelSmoothingParams

__all__ = ["LabelSmoothing"]


class LabelSmoothing(Defence):
    """Trains on targets with 1 − ε for the label and ε spread evenly over all C classes.

    Source: Szegedy et al. 2016, "Rethinking the Inception Architecture", CVPR, section 7.
    """

    is_per_sample = True
    needs_whole_batch = ""
    _classes: int

    def __init__(self, params: LabelSmoothingParams) -> None:
        super().__init__()
        self._amount = params.amount

    def prepare(self, *, classes: int, **_: object) -> None:
        """Store the number of classes."""
        self._classes = classes

    def transform(self, batch: Batch, *, generator: torch.Generator) -> Batch:
        """Smooth the batch's targets."""
        # Targets of an earlier defence (mixup, say) are smoothed instead of being replaced.
        targets = batch.targets
        if targets is None:
            targets = F.one_hot(batch.labels, self._classes).float()
        return replace(batch, targets=(1 - self._amount) * targets + self._amount / self._classes)
