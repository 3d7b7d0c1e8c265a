"""Data card of a run: the samples that it was made with."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from safecompress_core.data.dataset import Dataset

__all__ = ["describe_data"]


def describe_data(dataset: Dataset) -> dict[str, Any]:
    """Counts of everything that is named, what was done on loading, and warnings; JSON-ready."""
    return {
        "samples": len(dataset),
        "input_shape": list(dataset.inputs.shape[1:]),
        "labels": _count(dataset.labels, dataset.classes),
        "attributes": [
            {"name": name, "values": _count(attribute.values, attribute.names)}
            for name, attribute in dataset.attributes.items()
        ],
        "notes": list(dataset.notes),
        "warnings": list(dataset.warnings),
    }


def _count(values: Tensor, names: Sequence[str]) -> list[dict[str, Any]]:
    # minlength counts names without samples, too: a label that is missing is shown as 0.
    counts = torch.bincount(values, minlength=len(names)).tolist()
    return [{"name": name, "samples": count} for name, count in zip(names, counts, strict=True)]
