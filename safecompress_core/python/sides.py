"""Members and non-members as Python objects: arrays, tensors, data frames, torch data sets."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset as TorchDataset

from safecompress_core.errors import DataError

__all__ = ["join_rows", "read_side"]


def read_side(side: Any, name: str, *, needs_inputs: bool) -> tuple[Any, NDArray[Any]]:
    """Return inputs (None without any) and labels, shape (N,), of members or of non-members.

    Args:
        side: a pair of both, a torch data set of pairs, or labels alone.
        name: what messages call it.
        needs_inputs: whether labels alone are refused.

    Raises:
        DataError: if both differ in length, are of another form, or can be read once only.
    """
    if isinstance(side, TorchDataset):
        side = _read_torch(side, name)
    if isinstance(side, Iterator):
        raise DataError(
            f"{name} is a generator, which can be read once only", hint="give lists or arrays"
        )
    is_pair = isinstance(side, tuple) and len(side) == 2
    if not is_pair and needs_inputs:
        raise DataError(f"{name} is no pair", hint=f"write {name}=(inputs, labels)")
    inputs, labels = side if is_pair else (None, side)
    for part, what in ((inputs, "inputs"), (labels, "labels")):
        if isinstance(part, Iterator):
            raise DataError(
                f"the {what} of {name} are a generator, which can be read once only",
                hint="give a list or an array",
            )
    values = labels.detach().cpu().numpy() if isinstance(labels, Tensor) else np.asarray(labels)
    if values.ndim != 1:
        raise DataError(
            f"the labels of {name} have the shape {values.shape}", hint="give one for each sample"
        )
    if inputs is not None and len(inputs) != len(values):
        raise DataError(
            f"{name} has {len(inputs)} inputs and {len(values)} labels",
            hint="give one label for each input",
        )
    return inputs, values


def _read_torch(dataset: "TorchDataset[Any]", name: str) -> tuple[Any, Any]:
    """Read all samples of a torch data set whose items are pairs of input and label."""
    if not hasattr(dataset, "__len__"):
        raise DataError(
            f"{name} is a data set that can be read once only", hint="give a map-style data set"
        )
    items = [dataset[place] for place in range(len(dataset))]
    if any(not isinstance(item, tuple | list) or len(item) != 2 for item in items):
        raise DataError(
            f"items of {name} are no pairs", hint="give a data set of pairs (input, label)"
        )
    inputs = torch.stack([torch.as_tensor(item[0]) for item in items])
    return inputs, np.array([int(item[1]) for item in items])


def join_rows(parts: list[Any]) -> Any:
    """Return the rows of two tables, arrays, tensors or lists as one.

    Raises:
        DataError: if they are of different kinds.
    """
    first = parts[0]
    if any(type(part) is not type(first) for part in parts):
        kinds = " and ".join(type(part).__name__ for part in parts)
        raise DataError(
            f"members and non-members differ in kind: {kinds}", hint="give both as the same"
        )
    if hasattr(first, "iloc"):
        import pandas as pd  # noqa: PLC0415  the caller has it, where a data frame is

        return pd.concat(parts, ignore_index=True)
    if isinstance(first, Tensor):
        return torch.cat([part.detach().cpu() for part in parts])
    if isinstance(first, np.ndarray):
        return np.concatenate(parts)
    return [row for part in parts for row in part]
