"""Samples that compression makes the model answer otherwise."""

from typing import Any

import torch
from torch import Tensor

from safecompress_core.toolkit import (
    MeanMetric,
    Observations,
    SampleValues,
    Subject,
    clopper_pearson,
)
from safecompress_plugins.metrics.manifest import FlipsParams

__all__ = ["Flips"]

CHANGES = ("now wrong", "now right", "another wrong answer")
"""Kinds of a flip, by how right the answers are."""


class Flips(MeanMetric):
    """Share of the audit pool's samples that both models answer differently.

    Source: Hooker et al. 2019, "What Do Compressed Deep Neural Networks Forget?", section 2.2:
    compression-identified exemplars, here of one model of either kind instead of the most frequent
    answer of thirty.
    """

    def __init__(self, params: FlipsParams) -> None:
        self._listed = params.listed

    def values(self, subject: Subject) -> SampleValues:
        """Whether each answer differs, (N, 1)."""
        before, after = subject.uncompressed, subject.asked.seen
        is_flip = before.predictions != after.predictions
        is_member = subject.asked.pool.is_member
        return SampleValues.of(
            is_flip.double(), strata=is_member, details=self._details(subject, is_flip)
        )

    def _details(self, subject: Subject, is_flip: Tensor) -> dict[str, Any]:
        """Return who flips: by side, by exposure, and by position in the data set."""
        pool = subject.asked.pool
        is_member = pool.is_member
        exposed = torch.zeros_like(is_member)
        sides = {"members": is_member, "non_members": ~is_member}
        if subject.exposed is not None:
            # Members come first in a pool.
            exposed[: len(pool.members)] = subject.exposed
            sides |= {"exposed_members": exposed, "other_members": is_member & ~exposed}
        positions = subject.asked.dataset.original_positions[pool.indices]
        changes = _changes(subject.uncompressed, subject.asked.seen)
        flipped = torch.nonzero(is_flip).flatten()
        return {
            "shares": {name: _share(is_flip[side]) for name, side in sides.items()},
            "changes": {
                name: int((changes[flipped] == index).sum()) for index, name in enumerate(CHANGES)
            },
            "samples": [
                {
                    "index": int(positions[position]),
                    "member": bool(is_member[position]),
                    "exposed": bool(exposed[position]),
                    "change": CHANGES[int(changes[position])],
                }
                for position in flipped[: self._listed]
            ],
        }


def _changes(before: Observations, after: Observations) -> Tensor:
    """Return the kind of each sample's flip, shape (N,), an index of ``CHANGES``."""
    was_right = before.predictions == before.labels
    is_right = after.predictions == after.labels
    return torch.where(was_right, 0, torch.where(is_right, 1, 2))


def _share(is_flip: Tensor) -> dict[str, Any]:
    estimate = clopper_pearson(int(is_flip.sum()), len(is_flip))
    return {
        "samples": len(is_flip),
        "value": estimate.value,
        "interval": list(estimate.interval),
    }
