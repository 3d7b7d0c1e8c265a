"""Label smoothing: a model that is never asked to be certain remembers less."""

from dataclasses import replace

import torch
from torch.nn import functional as F

from safecompress_core.toolkit import Batch, Defence
from safecompress_plugins.defences.manifest import LabelSmoothingParams

__all__ = ["LabelSmoothing"]


class LabelSmoothing(Defence):
    """Has the model learn (1 − ε) of the label and ε spread evenly over all C classes.

    Source: Szegedy et al. 2016, "Rethinking the Inception Architecture", CVPR, section 7.
    """

    is_per_sample = True
    _classes: int

    def __init__(self, params: LabelSmoothingParams) -> None:
        super().__init__()
        self._amount = params.amount

    def prepare(self, *, classes: int, **_: object) -> None:
        """Remember how many classes there are."""
        self._classes = classes

    def transform(self, batch: Batch, *, generator: torch.Generator) -> Batch:
        """The batch with softer targets."""
        targets = batch.targets
        if targets is None:
            targets = F.one_hot(batch.labels, self._classes).float()
        return replace(batch, targets=(1 - self._amount) * targets + self._amount / self._classes)
