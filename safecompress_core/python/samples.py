"""Samples as Python objects: arrays, tensors, data frames, torch data sets."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from safecompress_core.data.dataset import Attribute, Dataset
from safecompress_core.errors import DataError
from safecompress_core.python.sides import read_side
from safecompress_core.saved_models.objects.answering import tensor_of

__all__ = ["asked_samples", "read_samples"]

# N samples


def read_samples(data: Any) -> Dataset:
    """Return samples in one of the forms that a run takes.

    Args:
        data: a pair of inputs and labels, each an array, a tensor, a data frame or a list; with a
            mapping from names of private attributes to their values as a third part; or a
            ``torch.utils.data.Dataset`` of pairs. Inputs are numbers, shape (N, ...), or texts.

    Raises:
        DataError: if parts differ in length, can be read once only, or hold neither numbers nor
            texts.
    """
    attributes: Mapping[str, Any] = {}
    if isinstance(data, tuple) and len(data) == 3:
        *pair, attributes = data
        data = tuple(pair)
    inputs, labels = read_side(data, "data", needs_inputs=True)
    names, values = _name_values(labels)
    private = {name: _read_attribute(name, of, len(labels)) for name, of in attributes.items()}
    texts = _texts(inputs)
    return Dataset(
        # Until a tokenizer makes tokens of texts.
        inputs=torch.zeros(len(texts), 0) if texts else tensor_of(inputs),
        labels=values,
        classes=names,
        attributes=private,
        texts=texts,
    )


def asked_samples(inputs: Any, dataset: Dataset) -> Dataset | None:
    """Return the samples that a closed model was asked about; None if they are no numbers or texts.

    Columns of a data frame keep their names, and those of other values than numbers become codes.

    Args:
        inputs: of all samples, as the model takes them.
        dataset: the samples with the model's answers as their inputs.
    """
    names: dict[str, tuple[int, ...]] = {}
    if hasattr(inputs, "iloc"):
        names = {str(name): (place,) for place, name in enumerate(inputs.columns)}
        inputs = np.stack([_codes(inputs[name]) for name in inputs.columns], axis=1)
    if texts := _texts(inputs):
        values = torch.zeros(len(texts), 0)
    else:
        try:
            values = tensor_of(inputs)
        except (DataError, ValueError):  # of objects that only the model reads
            return None
    return Dataset(
        inputs=values,
        labels=dataset.labels,
        classes=dataset.classes,
        attributes={},
        features=names,
        texts=texts,
    )


def _codes(column: Any) -> NDArray[np.float32]:
    """Return a column of a data frame as numbers, shape (N,)."""
    values = np.asarray(column)
    if values.dtype.kind not in "biuf":
        _, values = np.unique([str(value) for value in values.tolist()], return_inverse=True)
    return values.astype(np.float32)


def _texts(inputs: Any) -> tuple[str, ...]:
    """Return inputs that are texts, one a sample; empty where they are no texts."""
    rows = [] if isinstance(inputs, torch.Tensor) else list(inputs)
    is_text = bool(rows) and all(isinstance(row, str) for row in rows)
    return tuple(map(str, rows)) if is_text else ()


def _name_values(values: NDArray[Any]) -> tuple[tuple[str, ...], torch.Tensor]:
    """Return the names of distinct values, in their order, and the index of each, shape (N,)."""
    distinct, indices = np.unique(values, return_inverse=True)
    return tuple(map(str, distinct.tolist())), torch.as_tensor(indices, dtype=torch.int64)


def _read_attribute(name: str, values: Any, count: int) -> Attribute:
    array = np.asarray(values)
    if array.shape != (count,):
        raise DataError(
            f"the attribute {name!r} has the shape {array.shape}, and there are {count} samples",
            hint="give one value for each sample",
        )
    names, indices = _name_values(array)
    return Attribute(indices, names)
