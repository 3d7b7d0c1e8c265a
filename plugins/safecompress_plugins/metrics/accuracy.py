"""Accuracy on unseen samples."""

from torch import Tensor

from safecompress_core.toolkit import Observations, SampleMetric
from safecompress_plugins.metrics.manifest import AccuracyParams

__all__ = ["Accuracy"]


class Accuracy(SampleMetric):
    """Share of correctly classified samples."""

    def __init__(self, params: AccuracyParams) -> None:
        del params  # no parameters

    def per_sample(self, unseen: Observations) -> Tensor:
        """Return 1 where the prediction is correct, shape (N,)."""
        return (unseen.predictions == unseen.labels).float()
