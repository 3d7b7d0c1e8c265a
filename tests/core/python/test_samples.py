"""Samples of a run as Python objects."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.datasets import load_iris
from torch.utils.data import TensorDataset

from safecompress_core.errors import DataError
from safecompress_core.python.samples import asked_samples, read_samples

IRIS: Any = load_iris()
NAMED = np.array(IRIS.target_names)[IRIS.target]


@pytest.mark.parametrize(
    "data",
    [
        (IRIS.data, NAMED),
        (torch.tensor(IRIS.data), list(NAMED)),
        (pd.DataFrame(IRIS.data), pd.Series(NAMED)),
        (IRIS.data.tolist(), NAMED),
    ],
)
def test_all_forms_are_the_same_samples(data: Any) -> None:
    """Inputs are float32, and labels are named in their order."""
    dataset = read_samples(data)

    assert torch.equal(torch.as_tensor(dataset.inputs), torch.tensor(IRIS.data).float())
    assert dataset.classes == ("setosa", "versicolor", "virginica")
    assert dataset.labels.tolist() == IRIS.target.tolist()
    assert dataset.attributes == {}


def test_a_torch_data_set_has_numbers_as_labels() -> None:
    """Its items are pairs."""
    dataset = read_samples(TensorDataset(torch.tensor(IRIS.data), torch.tensor(IRIS.target)))

    assert dataset.classes == ("0", "1", "2")
    assert len(dataset) == 150


def test_private_attributes_are_a_third_part() -> None:
    """With one value for each sample."""
    is_wide = IRIS.data[:, 1] > 3
    dataset = read_samples((IRIS.data, NAMED, {"wide": is_wide}))

    assert dataset.attributes["wide"].names == ("False", "True")
    assert dataset.attributes["wide"].values.tolist() == is_wide.astype(int).tolist()
    with pytest.raises(DataError, match=r"the attribute 'wide' has the shape \(3,\)"):
        read_samples((IRIS.data, NAMED, {"wide": is_wide[:3]}))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((IRIS.data, NAMED[:-1]), "data has 150 inputs and 149 labels"),
        ((np.full(150, None), NAMED), "a network takes numbers"),
        (IRIS.data, "data is no pair"),
        (((row for row in IRIS.data), NAMED), "can be read once only"),
    ],
)
def test_what_is_no_samples_is_refused(data: Any, message: str) -> None:
    """With what to give instead."""
    with pytest.raises(DataError, match=message):
        read_samples(data)


def test_what_a_closed_model_was_asked_keeps_its_columns() -> None:
    """Of a data frame by name, words as codes; a table of objects is unknown."""
    pandas = pytest.importorskip("pandas")
    answers = read_samples((IRIS.data, NAMED))
    frame = pandas.DataFrame({"length": IRIS.data[:, 0], "kind": NAMED})

    asked = asked_samples(frame, answers)

    assert asked is not None
    assert asked.features == {"length": (0,), "kind": (1,)}
    assert torch.as_tensor(asked.inputs)[[0, 149], 1].tolist() == [0, 2]
    texts = asked_samples(["a b"] * 150, answers)
    assert texts is not None
    assert texts.texts == ("a b",) * 150
    assert asked_samples([{"row": 1}] * 150, answers) is None
