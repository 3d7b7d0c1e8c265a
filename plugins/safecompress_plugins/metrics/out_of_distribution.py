"""Detection of samples of another data set by a model's confidence."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from safecompress_core.toolkit import (
    DataError,
    Dataset,
    DataSource,
    MetricTrial,
    Observations,
    PairedMetric,
    Problem,
    SampleValues,
    Subject,
    observe,
)
from safecompress_plugins.metrics.manifest import OutOfDistributionParams

__all__ = ["OutOfDistribution", "weighted_auc"]

# N samples of both data sets · B draws


class OutOfDistribution(PairedMetric):
    """AUC of a score by which samples of the task are distinguished from another data set's.

    Source: Hendrycks & Gimpel 2017, "A Baseline for Detecting Misclassified and Out-of-Distribution
    Examples in Neural Networks", section 3; Liu et al. 2020, "Energy-based Out-of-distribution
    Detection", equation 4, for ``energy``.
    """

    def __init__(self, params: OutOfDistributionParams) -> None:
        self._params = params

    def check(self, trial: MetricTrial) -> Iterator[Problem]:
        """The other data set has to be of the same shape."""
        try:
            other = self._load(trial.create)
        except DataError as error:
            yield Problem(("data", *error.field), error.message, error.hint)
            return
        ours, theirs = (tuple(data.inputs.shape[1:]) for data in (trial.dataset, other))
        if ours != theirs:
            message = f"its samples have shape {theirs}, and those of the task {ours}"
            yield Problem(("data",), message, "use a data set of the same shape")

    def values(self, subject: Subject) -> SampleValues:
        """Score of each sample, and whether it is one of the task, (N, 2)."""
        other = self._load(subject.create)
        rows = torch.randperm(len(other), generator=subject.seed.torch())
        inputs = other.inputs[rows[: self._params.samples]]
        labels = torch.zeros(len(inputs), dtype=torch.int64)  # unknown, and never read
        seen = observe(subject.network, inputs, labels)
        scores = torch.cat([self._score(subject.unseen), self._score(seen)])
        is_inside = torch.arange(len(scores)) < len(subject.unseen)
        numbers = torch.stack([scores, is_inside.double()], dim=1)
        details = {"samples": len(subject.unseen), "others": len(seen)}
        return SampleValues.of(numbers, strata=is_inside, details=details)

    def statistic(self, numbers: NDArray[Any], weights: NDArray[Any]) -> NDArray[Any]:
        """Return the area under the curve in each draw."""
        return weighted_auc(numbers[:, 0], numbers[:, 1] == 1, weights)

    def _score(self, observed: Observations) -> Tensor:
        """Higher for a sample of the task, shape (N,)."""
        logits = observed.logits.double()
        if self._params.score == "energy":
            return logits.logsumexp(dim=1)
        return logits.softmax(dim=1).amax(dim=1)

    def _load(self, create: Any) -> Dataset:
        source: DataSource = create(self._params.data)
        return source.load()


def weighted_auc(
    scores: NDArray[Any], is_inside: NDArray[Any], weights: NDArray[Any]
) -> NDArray[Any]:
    """Return how often a sample of the one side scores above one of the other, ties half, (B,).

    Args:
        scores: shape (N,).
        is_inside: shape (N,), True for the side that shall score higher.
        weights: shape (B, N), how often a draw holds each sample.
    """
    order = np.argsort(scores, kind="stable")
    _, starts = np.unique(scores[order], return_index=True)
    ordered = np.asarray(weights, dtype=np.float64)[:, order]
    # Samples of equal scores are one step of the curve.
    inside, outside = (
        np.add.reduceat(ordered * side[order], starts, axis=1) for side in (is_inside, ~is_inside)
    )
    below = np.cumsum(outside, axis=1) - outside / 2
    pairs = inside.sum(axis=1) * outside.sum(axis=1)
    areas: NDArray[Any] = (inside * below).sum(axis=1) / pairs
    return areas
