"""Differences of a model's answers between groups of an attribute."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from safecompress_core.toolkit import (
    MetricTrial,
    Observations,
    PairedMetric,
    Problem,
    SampleValues,
    Subject,
)
from safecompress_plugins.metrics.groups import (
    FEWEST_OF_A_GROUP,
    check_groups,
    list_small,
    split_groups,
)
from safecompress_plugins.metrics.manifest import DemographicParityParams, EqualisedOddsParams

__all__ = ["DemographicParity", "EqualisedOdds"]

# N samples · G groups · T rates that are compared between groups


class _LargestDifference(PairedMetric):
    """Largest difference of a rate between two groups, over several rates.

    A rate is the share of samples with some answer among those of a group that count for it.
    """

    def __init__(self, params: DemographicParityParams | EqualisedOddsParams) -> None:
        self._params = params

    def check(self, trial: MetricTrial) -> Iterator[Problem]:
        """The label has to be one of the task, and two groups large enough."""
        positive, classes = self._params.positive, trial.dataset.classes
        if positive is not None and positive not in classes:
            hint = f"use one of: {', '.join(classes)}"
            yield Problem(("positive",), f"the task has no label {positive!r}", hint)
        yield from check_groups(trial, self._params.attribute)

    def cells(self, unseen: Observations, label: int) -> Sequence[Tensor]:
        """Return the samples that count for each rate of a label, shapes (N,), bool."""
        raise NotImplementedError

    def values(self, subject: Subject) -> SampleValues:
        """Of each rate and group: who is answered so, and who counts, (N, T, G, 2).

        No sample counts of a group that is too small for a rate.
        """
        unseen, dataset = subject.unseen, subject.asked.dataset
        groups = split_groups(dataset, subject.asked.pool.non_members, self._params.attribute)
        rates, left_out = [], []
        for label in self._labels(dataset.classes):
            answered = unseen.predictions == label
            for cell in self.cells(unseen, label):
                counting = torch.nn.functional.one_hot(groups.values, len(groups.names)).bool()
                counting &= cell[:, None]
                small = counting.sum(dim=0) < FEWEST_OF_A_GROUP
                name = dataset.classes[label]
                left_out += [{**group, "label": name} for group in list_small(groups, cell)]
                counting &= ~small
                rates.append(torch.stack([counting & answered[:, None], counting], dim=2))
        details = {
            "by": self._params.attribute,
            "rates": len(rates),
            "left_out": list({tuple(group.values()): group for group in left_out}.values()),
        }
        # Strata of group and label, so that no resample lacks the samples of a rate.
        strata = groups.values * len(dataset.classes) + unseen.labels
        return SampleValues.of(torch.stack(rates, dim=1), strata=strata, details=details)

    def statistic(self, numbers: NDArray[Any], weights: NDArray[Any]) -> NDArray[Any]:
        """Return the largest difference of any rate between two groups."""
        answered, counting = np.moveaxis(np.tensordot(weights, numbers, axes=1), -1, 0)  # (B, T, G)
        is_large = counting > 0
        rates = answered / np.where(is_large, counting, 1)
        highest = np.where(is_large, rates, -np.inf).max(axis=2)
        lowest = np.where(is_large, rates, np.inf).min(axis=2)
        # A rate that no group has is no difference.
        spans = np.where(is_large.any(axis=2), highest - lowest, 0)
        largest: NDArray[Any] = spans.max(axis=1)
        return largest

    def _labels(self, classes: Sequence[str]) -> list[int]:
        """Return the labels whose rates are compared: of two, those of one say all."""
        if self._params.positive is not None:
            return [classes.index(self._params.positive)]
        return [1] if len(classes) == 2 else list(range(len(classes)))


class DemographicParity(_LargestDifference):
    """Largest difference between groups in how often a label is answered.

    Source: Dwork et al. 2012, "Fairness Through Awareness", section 3, as a difference.
    """

    def cells(self, unseen: Observations, label: int) -> Sequence[Tensor]:
        """All samples."""
        return (torch.ones(len(unseen), dtype=torch.bool),)


class EqualisedOdds(_LargestDifference):
    """Largest difference between groups in a true or a false positive rate of a label.

    Source: Hardt, Price & Srebro 2016, "Equality of Opportunity in Supervised Learning", definition
    2.1, as a difference; of more than two labels each against the rest.
    """

    def cells(self, unseen: Observations, label: int) -> Sequence[Tensor]:
        """Samples of the label, and all others."""
        is_label = unseen.labels == label
        return (is_label, ~is_label)
