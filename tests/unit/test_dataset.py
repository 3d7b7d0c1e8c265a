"""A data set tells of itself what a manifest's card told without loading it."""

import dataclasses

import pytest
import torch

from safecompress_core.api import DataCard
from safecompress_core.dataset import Attribute, Dataset, DataSource


@pytest.fixture
def people() -> Dataset:
    """Three samples, two classes, one attribute of four values."""
    return Dataset(
        inputs=torch.zeros(3, 5),
        labels=torch.tensor([0, 1, 1]),
        classes=("no", "yes"),
        attributes={"colour": Attribute(torch.tensor([0, 3, 3]), ("r", "g", "b", "k"))},
    )


def test_the_card_counts_samples_classes_and_values(people: Dataset) -> None:
    """Values that no sample has count too."""
    assert len(people) == 3
    assert people.card == DataCard(samples=3, classes=2, attributes={"colour": 4})


def test_a_data_set_cannot_be_changed(people: Dataset) -> None:
    """All pools and models look at the same one."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        people.classes = ()  # type: ignore[misc]


def test_a_source_has_to_load() -> None:
    """There is no half of one."""
    with pytest.raises(TypeError, match="abstract"):
        DataSource()  # type: ignore[abstract]
