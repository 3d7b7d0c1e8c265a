"""Samples in memory."""

import dataclasses

import numpy as np
import pytest
import torch
from sklearn.datasets import load_iris

from safecompress_core.data.dataset import Dataset
from safecompress_core.data.in_memory import InMemoryData, holding
from safecompress_core.data.manifest import InMemoryParams
from safecompress_core.errors import DataError


def irises() -> Dataset:
    """The irises, the first half of them members."""
    inputs, labels = load_iris(return_X_y=True)
    return Dataset(
        inputs=torch.from_numpy(inputs.astype(np.float32)),
        labels=torch.from_numpy(labels),
        classes=("setosa", "versicolor", "virginica"),
        attributes={},
        is_member=torch.arange(150) < 75,
    )


def test_samples_are_there_while_they_are_held() -> None:
    """Afterwards a spec that names them is refused."""
    with holding(irises()) as fingerprint:
        source = InMemoryData(InMemoryParams(fingerprint=fingerprint))
        with holding(irises()):
            pass
        assert len(source.load()) == 150

    with pytest.raises(DataError, match="not in this process"):
        source.load()


def test_the_fingerprint_is_of_contents_and_membership() -> None:
    """Equal objects are one data set; another side of one sample is another."""
    with holding(irises()) as first, holding(irises()) as second:
        assert first == second
    others = dataclasses.replace(irises(), is_member=torch.arange(150) < 76)
    with holding(others) as third:
        assert third != first
