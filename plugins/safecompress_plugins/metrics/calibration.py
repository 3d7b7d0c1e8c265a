"""Calibration of a model's confidence: expected calibration error and Brier score."""

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from safecompress_core.toolkit import MeanMetric, PairedMetric, SampleValues, Subject
from safecompress_plugins.metrics.manifest import BrierParams, CalibrationErrorParams

__all__ = ["Brier", "CalibrationError"]

# N samples · K bins


class CalibrationError(PairedMetric):
    """Mean distance of confidence and accuracy over bins of equal width (ECE).

    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", equation 3.
    """

    def __init__(self, params: CalibrationErrorParams) -> None:
        self._bins = params.bins

    def values(self, subject: Subject) -> SampleValues:
        """Accuracy less confidence of each sample, in the column of its bin, (N, K)."""
        unseen = subject.unseen
        confidences, predictions = unseen.posteriors.double().max(dim=1)
        correct = (predictions == unseen.labels).double()
        # Bins are (low, high], as in the paper.
        ends = torch.linspace(0, 1, self._bins + 1, dtype=torch.float64)
        bins = (torch.bucketize(confidences, ends) - 1).clamp(0, self._bins - 1)
        inside = torch.nn.functional.one_hot(bins, self._bins).double()
        details = {"reliability": list(_reliability(inside, confidences, correct))}
        return SampleValues.of(inside * (correct - confidences)[:, None], details=details)

    def statistic(self, numbers: NDArray[Any], weights: NDArray[Any]) -> NDArray[Any]:
        """Return the weighted mean of the bins' distances."""
        errors: NDArray[Any] = abs(weights @ numbers).sum(axis=1) / weights.sum(axis=1)
        return errors


def _reliability(inside: Tensor, confidences: Tensor, correct: Tensor) -> Any:
    """Yield the points of a reliability diagram, for each bin that holds a sample.

    Source: DeGroot & Fienberg 1983, "The Comparison and Evaluation of Forecasters".
    """
    for column in inside.T:
        samples = int(column.sum())
        if samples:
            yield {
                "confidence": float(column @ confidences) / samples,
                "accuracy": float(column @ correct) / samples,
                "samples": samples,
            }


class Brier(MeanMetric):
    """Mean squared distance of the posteriors from the label, in [0, 2].

    Source: Brier 1950, "Verification of forecasts expressed in terms of probability".
    """

    def __init__(self, params: BrierParams) -> None:
        del params  # no parameters

    def values(self, subject: Subject) -> SampleValues:
        """Squared distance of each sample, (N, 1)."""
        unseen = subject.unseen
        truth = torch.nn.functional.one_hot(unseen.labels, unseen.classes).double()
        return SampleValues.of((unseen.posteriors.double() - truth).square().sum(dim=1))
