"""Checks of samples before training."""

from collections.abc import Iterator

import torch
from torch import Tensor

from safecompress_core.attacks.public_features import check_public_features
from safecompress_core.data.dataset import Dataset

__all__ = ["check_data"]


def check_data(dataset: Dataset) -> Iterator[str]:
    """Each way in which a data set contradicts itself or cannot be learned from, as a sentence.

    Labels and attributes outside their range, features in columns that are not there, numbers that
    are not finite, columns of unequal length, a task with a single class, and labels with a single
    sample. Later checks rely on earlier ones.
    """
    count = len(dataset.labels)
    columns = {"inputs": dataset.inputs} | {
        f"attribute {name!r}": attribute.values for name, attribute in dataset.attributes.items()
    }
    unequal = [f"{len(column)} {name}" for name, column in columns.items() if len(column) != count]
    if unequal:
        yield f"there are {count} labels, but {', '.join(unequal)}"
        # Nothing below is defined for columns of unequal length.
        return
    if not count:
        yield "there are no samples"
        return
    yield from _outside("label", dataset.labels, len(dataset.classes))
    for name, attribute in dataset.attributes.items():
        yield from _outside(f"attribute {name!r}", attribute.values, len(attribute.names))
    yield from check_public_features(dataset)
    if (dataset.labels == dataset.labels[0]).all():
        yield f"all {count} samples have the same label, so there is nothing to learn"
    # Only labels in range can be counted by class.
    if dataset.labels.min() >= 0 and dataset.labels.max() < len(dataset.classes):
        yield from _alone(dataset)
    if not isinstance(dataset.inputs, Tensor):
        return  # finite by contract
    broken = ~_finite(dataset.inputs)
    if broken.any():
        first = int(broken.nonzero()[0])
        yield (
            f"{int(broken.sum())} of {count} samples hold numbers that are not finite; "
            f"the first is sample {first}"
        )


def _alone(dataset: Dataset) -> Iterator[str]:
    """Labels that one sample has: no member and no non-member can have them both."""
    labels, times = torch.unique(dataset.labels, return_counts=True)
    alone = labels[times == 1].tolist()
    if alone:
        named = ", ".join(repr(dataset.classes[label]) for label in alone)
        noun = "label has" if len(alone) == 1 else "labels have"
        yield f"{len(alone)} {noun} a single sample, which cannot be on both sides: {named}"


def _outside(name: str, values: Tensor, count: int) -> Iterator[str]:
    if values.dtype != torch.int64 or values.ndim != 1:
        yield f"{name} must be int64 of shape (N,), but is {values.dtype} of {tuple(values.shape)}"
        return
    outside = (values < 0) | (values >= count)
    if outside.any():
        first = int(outside.nonzero()[0])
        yield (
            f"{name} {int(values[first])} of sample {first} is outside [0, {count}), and so are "
            f"{int(outside.sum())} in all"
        )


def _finite(inputs: Tensor) -> Tensor:
    """Return the samples whose numbers are all finite, shape (N,), bool."""
    # One-dimensional inputs have no second dimension to reduce.
    return torch.isfinite(inputs).flatten(1).all(dim=1) if inputs.ndim > 1 else inputs.isfinite()
