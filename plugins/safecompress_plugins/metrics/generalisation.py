"""Generalisation gap."""

from typing import Any

import torch
from numpy.typing import NDArray

from safecompress_core.toolkit import PairedMetric, SampleValues, Subject
from safecompress_plugins.metrics.manifest import GeneralisationGapParams

__all__ = ["GeneralisationGap"]


class GeneralisationGap(PairedMetric):
    """Accuracy on members of the audit pool less that on non-members.

    Source: Yeom et al. 2018, "Privacy Risk in Machine Learning: Analyzing the Connection to
    Overfitting", section 3.2, of the 0-1 loss.
    """

    def __init__(self, params: GeneralisationGapParams) -> None:
        del params  # no parameters

    def values(self, subject: Subject) -> SampleValues:
        """Whether each answer is right, of a member and of a non-member: (N, 4) with the sides."""
        seen = subject.asked.seen
        is_member = subject.asked.pool.is_member
        sides = torch.stack([is_member, ~is_member], dim=1).double()
        correct = (seen.predictions == seen.labels).double()
        numbers = torch.cat([sides * correct[:, None], sides], dim=1)
        return SampleValues.of(numbers, strata=is_member)

    def statistic(self, numbers: NDArray[Any], weights: NDArray[Any]) -> NDArray[Any]:
        """Return the difference of the accuracies of both sides."""
        right_in, right_out, inside, outside = (weights @ numbers).T
        gaps: NDArray[Any] = right_in / inside - right_out / outside
        return gaps
