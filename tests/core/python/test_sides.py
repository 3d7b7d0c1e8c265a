"""Members and non-members as Python objects."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.data import IterableDataset, TensorDataset

from safecompress_core.errors import DataError
from safecompress_core.python.sides import join_rows, read_side

INPUTS, LABELS = np.arange(12.0).reshape(6, 2), np.array([0, 1, 0, 1, 0, 1])


@pytest.mark.parametrize(
    "side",
    [
        (INPUTS, LABELS),
        (INPUTS.tolist(), LABELS.tolist()),
        (torch.from_numpy(INPUTS), torch.from_numpy(LABELS)),
        (pd.DataFrame(INPUTS), pd.Series(LABELS)),
        TensorDataset(torch.from_numpy(INPUTS), torch.from_numpy(LABELS)),
    ],
)
def test_pairs_of_any_kind_are_read(side: Any) -> None:
    """Inputs stay what they are, since the model takes them so."""
    inputs, labels = read_side(side, "members", needs_inputs=True)

    np.testing.assert_array_equal(np.asarray(inputs), INPUTS)
    assert labels.tolist() == LABELS.tolist()


def test_labels_alone_will_do_where_answers_are_there() -> None:
    """Otherwise the model has nothing to be asked about."""
    inputs, labels = read_side(LABELS, "members", needs_inputs=False)

    assert inputs is None
    assert labels.tolist() == LABELS.tolist()
    with pytest.raises(DataError, match="members is no pair; write members=\\(inputs, labels\\)"):
        read_side(LABELS, "members", needs_inputs=True)


class Stream(IterableDataset[int]):
    """A data set without a length."""

    def __iter__(self) -> Iterator[int]:
        return iter(range(6))


@pytest.mark.parametrize(
    ("side", "message"),
    [
        ((INPUTS, LABELS[:-1]), "has 6 inputs and 5 labels"),
        ((INPUTS, LABELS[:, None]), "labels of members have the shape \\(6, 1\\)"),
        ((row for row in INPUTS), "is a generator, which can be read once only"),
        (((row for row in INPUTS), LABELS), "inputs of members are a generator"),
        ((INPUTS, iter(LABELS)), "labels of members are a generator"),
        (Stream(), "data set that can be read once only"),
        (TensorDataset(torch.ones(3)), "items of members are no pairs"),
    ],
)
def test_what_is_no_such_pair_is_refused(side: Any, message: str) -> None:
    """The message names the argument."""
    with pytest.raises(DataError, match=message):
        read_side(side, "members", needs_inputs=True)


def test_rows_are_joined_in_their_kind() -> None:
    """Members come first."""
    for kind in (np.asarray, torch.as_tensor, pd.DataFrame, list):
        joined = join_rows([kind(INPUTS[:4].tolist()), kind(INPUTS[4:].tolist())])
        assert isinstance(joined, type(kind(INPUTS.tolist())))
        np.testing.assert_array_equal(np.asarray(joined), INPUTS)
    with pytest.raises(DataError, match="differ in kind: ndarray and list"):
        join_rows([INPUTS, INPUTS.tolist()])
