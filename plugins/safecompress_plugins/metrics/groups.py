"""Groups of samples by task label or attribute, and the accuracy of each."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from safecompress_core.toolkit import (
    Dataset,
    Estimate,
    MetricTrial,
    PairedMetric,
    Problem,
    Resampling,
    SampleValues,
    Subject,
    clopper_pearson,
)
from safecompress_plugins.metrics.manifest import WorstGroupParams

__all__ = [
    "FEWEST_OF_A_GROUP",
    "Groups",
    "WorstGroup",
    "check_groups",
    "list_small",
    "split_groups",
]

# N samples · G groups

FEWEST_OF_A_GROUP = 10
"""Samples that a group needs for a figure of its own."""


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Samples by group.

    Attributes:
        values: the group of each sample, shape (N,), int64, in [0, G).
        names: of the G groups.
    """

    values: Tensor
    names: Sequence[str]

    def column(self, group: int) -> Tensor:
        """Return which samples are in a group, shape (N,), bool."""
        return self.values == group


def split_groups(dataset: Dataset, rows: Tensor, attribute: str | None) -> Groups:
    """Group samples by an attribute, private ones included; by the task's label for None.

    Args:
        dataset: what the samples are from.
        rows: their positions, shape (N,).
        attribute: its name.
    """
    if attribute is None:
        return Groups(dataset.labels[rows], dataset.classes)
    found = dataset.attributes[attribute]
    return Groups(found.values[rows], found.names)


def list_small(groups: Groups, where: Tensor | None = None) -> list[dict[str, Any]]:
    """Return the groups with too few samples for a figure: name and number of samples.

    Args:
        groups: of the samples.
        where: shape (N,), bool; only these samples count.
    """
    counts = _counts(groups, where)
    return [
        {"name": name, "samples": count}
        for name, count in zip(groups.names, counts, strict=True)
        if count < FEWEST_OF_A_GROUP
    ]


def check_groups(trial: MetricTrial, attribute: str | None) -> Iterator[Problem]:
    """Require two groups among the non-members of the audit pool that have enough samples."""
    groups = split_groups(trial.dataset, trial.pool.non_members, attribute)
    counts = _counts(groups, None)
    enough = sum(count >= FEWEST_OF_A_GROUP for count in counts)
    if enough < 2:
        what = "task label" if attribute is None else f"{attribute!r}"
        message = (
            f"{enough} of {len(counts)} groups by {what} have {FEWEST_OF_A_GROUP} or more of the "
            f"{len(groups.values)} non-members of the audit pool; a comparison of groups needs 2"
        )
        hint = "use more data or a larger pools.audit, or group by another attribute"
        yield Problem(("attribute",) if attribute else ("type",), message, hint)


def _counts(groups: Groups, where: Tensor | None) -> list[int]:
    values = groups.values if where is None else groups.values[where]
    return torch.bincount(values, minlength=len(groups.names)).tolist()


class WorstGroup(PairedMetric):
    """Accuracy of the group with the lowest one.

    Groups of fewer than 10 samples are named in the details and left out.

    Source: Sagawa et al. 2020, "Distributionally Robust Neural Networks for Group Shifts", section
    2; that pruning costs some groups more: Paganini 2020, "Prune Responsibly".
    """

    def __init__(self, params: WorstGroupParams) -> None:
        self._attribute = params.attribute

    def check(self, trial: MetricTrial) -> Iterator[Problem]:
        """Two groups have to be large enough."""
        yield from check_groups(trial, self._attribute)

    def values(self, subject: Subject) -> SampleValues:
        """Of each group that counts: who is right, then who is in it, (N, 2G)."""
        unseen, pool = subject.unseen, subject.asked.pool
        groups = split_groups(subject.asked.dataset, pool.non_members, self._attribute)
        left_out = list_small(groups)
        small = {group["name"] for group in left_out}
        counted = [index for index, name in enumerate(groups.names) if name not in small]
        inside = torch.stack([groups.column(index) for index in counted], dim=1).double()
        correct = (unseen.predictions == unseen.labels).double()
        names = [groups.names[index] for index in counted]
        details = {
            "by": self._attribute or "label",
            "groups": [
                _accuracy(name, correct[column.bool()])
                for name, column in zip(names, inside.T, strict=True)
            ],
            "left_out": left_out,
        }
        numbers = torch.cat([inside * correct[:, None], inside], dim=1)
        return SampleValues.of(numbers, strata=groups.values, details=details)

    def statistic(self, numbers: NDArray[Any], weights: NDArray[Any]) -> NDArray[Any]:
        """Return the lowest accuracy of any group."""
        sums = weights @ numbers
        count = sums.shape[1] // 2
        lowest: NDArray[Any] = (sums[:, :count] / sums[:, count:]).min(axis=1)
        return lowest

    def estimate(self, values: SampleValues, resampling: Resampling) -> Estimate:
        """The lowest accuracy; the interval holds that of its group by itself."""
        found = super().estimate(values, resampling)
        # Resamples of a group without any right answer have none either.
        worst = min(values.details["groups"], key=lambda group: group["value"])
        low, high = worst["interval"]
        return Estimate(found.value, min(found.low, low), max(found.high, high))


def _accuracy(name: str, correct: Tensor) -> Mapping[str, Any]:
    estimate = clopper_pearson(int(correct.sum()), len(correct))
    return {
        "name": name,
        "samples": len(correct),
        "value": estimate.value,
        "interval": list(estimate.interval),
    }
