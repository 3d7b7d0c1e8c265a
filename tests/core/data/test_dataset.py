"""Data sets, and their facts compared with those that a manifest states without loading."""

import dataclasses
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from safecompress_core.api import DataCard
from safecompress_core.data.dataset import (
    Attribute,
    Dataset,
    DataSource,
    Inputs,
    in_batches,
    select_inputs,
)


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
    assert people.card == DataCard(samples=3, classes=2, attributes={"colour": 4}, input_shape=(5,))


def test_a_data_set_cannot_be_changed(people: Dataset) -> None:
    """All pools and models look at the same one."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        people.classes = ()  # type: ignore[misc]


def test_a_source_has_to_load() -> None:
    """There is no half of one."""
    with pytest.raises(TypeError, match="abstract"):
        DataSource()  # type: ignore[abstract]


class Counted(Inputs):
    """Samples made on access: sample n is n, in two columns."""

    def __init__(self, rows: Tensor) -> None:
        self._rows = rows
        self.shape = torch.Size((len(rows), 2))

    def __getitem__(self, positions: Tensor) -> Tensor:
        return self._rows[positions, None].expand(-1, 2).float()

    def take(self, positions: Tensor) -> "Counted":
        return Counted(self._rows[positions])

    def contents(self, positions: Tensor) -> Iterator[bytes]:
        return (row.to_bytes(2, "big") for row in self._rows[positions].tolist())


def test_samples_are_read_alike_whether_they_are_a_tensor_or_not() -> None:
    """Some of them on a device, then batch by batch."""
    made = Counted(torch.arange(10))
    whole = made[torch.arange(10)]
    positions, cpu = torch.tensor([7, 1, 4]), torch.device("cpu")
    rows = torch.tensor([2, 0, 1]).split(2)

    for inputs in (whole, made, made.to(cpu)):
        chosen = select_inputs(inputs, positions, cpu)
        batches = list(in_batches(chosen, rows))

        assert len(chosen) == 3
        assert torch.equal(chosen[torch.arange(3)], whole[positions])
        assert [batch.tolist() for batch in batches] == [[[4, 4], [7, 7]], [[1, 1]]]
    assert list(made.to(cpu).contents(positions)) == [b"\0\7", b"\0\1", b"\0\4"]


def test_some_samples_keep_all_that_is_known_of_them(people: Dataset) -> None:
    """In the requested order; facts about all samples stay unchanged."""
    known = dataclasses.replace(
        people,
        inputs=Counted(torch.arange(3)),
        attributes={"colour": Attribute(torch.tensor([0, 3, 3]), ("r", "g", "b", "k"), NUMBERS)},
        texts=("one", "two", "three"),
        is_member=torch.tensor([True, False, True]),
        groups=torch.tensor([5, 5, 6]),
        features={"tall": (1,)},
    )

    part = known.take(torch.tensor([2, 0]))

    assert part.inputs[torch.arange(2)].tolist() == [[2, 2], [0, 0]]
    assert part.labels.tolist() == [1, 0]
    assert part.attributes["colour"].values.tolist() == [3, 0]
    assert torch.equal(part.attributes["colour"].numbers, NUMBERS[[2, 0]])  # type: ignore[arg-type]
    assert part.texts == ("three", "one")
    assert part.is_member is not None
    assert part.is_member.tolist() == [True, True]
    assert part.groups is not None
    assert part.groups.tolist() == [6, 5]
    assert (part.classes, part.features) == (known.classes, known.features)


NUMBERS = torch.tensor([1.5, 2.5, 4.0], dtype=torch.float64)


def test_samples_keep_the_position_that_they_had_before_others_were_taken_out() -> None:
    """Also after a second selection; so results can name a row of the file."""
    whole = Dataset(
        inputs=torch.zeros(6, 2), labels=torch.zeros(6).long(), classes=("a",), attributes={}
    )

    part = whole.take(torch.tensor([1, 3, 4, 5])).take(torch.tensor([0, 2]))

    assert whole.original_positions.tolist() == [0, 1, 2, 3, 4, 5]
    assert part.original_positions.tolist() == [1, 4]
