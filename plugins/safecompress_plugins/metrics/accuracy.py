"""Accuracy on unseen samples."""

from torch import Tensor

from safecompress_core.toolkit import Observations, SampleMetric
from safecompress_plugins.metrics.manifest import AccuracyParams

__all__ = ["Accuracy"]


class Accuracy(SampleMetric):
    """Share of samples whose predicted label is right."""

    def __init__(self, params: AccuracyParams) -> None:
        del params  # there is nothing to set

    def per_sample(self, unseen: Observations) -> Tensor:
        """1 where the prediction is right, shape (N,)."""
        return (unseen.predictions == unseen.labels).float()
