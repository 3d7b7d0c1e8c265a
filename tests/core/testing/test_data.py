"""The kit for sources of samples tells good ones from bad ones."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from safecompress_core.api import DataCard, DataDef, Params
from safecompress_core.data.dataset import Attribute, Dataset, DataSource
from safecompress_core.testing.data import DataConformance

GOOD = Dataset(
    inputs=torch.tensor([[0.0, 1, 0], [1, 0, 1], [0, 1, 1], [1, 0, 0]]),
    labels=torch.tensor([0, 1, 1, 0]),
    classes=("a", "b"),
    attributes={
        "sex": Attribute(torch.tensor([1, 0, 1, 0]), ("f", "m"), columns=(0, 1), codes=torch.eye(2))
    },
    features={"tall": (2,)},
    bounds=(torch.zeros(()), torch.ones(())),
)


def kit(*outcomes: Dataset, card: DataCard | None = None) -> DataConformance:
    """The checks of a source that loads these one after the other, the last one again and again."""
    left = list(outcomes)

    class Fixed(DataSource):
        def load(self) -> Dataset:
            return left.pop(0) if len(left) > 1 else left[0]

    class Kit(DataConformance):
        definition = DataDef(
            name="fixed",
            params=Params,
            target="nowhere:Fixed",
            summary="Four samples.",
            card=None if card is None else lambda _: card,
        )

        def source(self, folder: Path) -> DataSource:
            return Fixed()

    return Kit()


def changed(**fields: object) -> Dataset:
    """The good one but for some of its parts."""
    return replace(GOOD, **fields)  # type: ignore[arg-type]


def with_sex(codes: Tensor | None, columns: tuple[int, ...]) -> Dataset:
    """The good one, whose private attribute is elsewhere."""
    return changed(
        attributes={"sex": replace(GOOD.attributes["sex"], codes=codes, columns=columns)}
    )


def test_a_good_source_passes(tmp_path: Path) -> None:
    """Every check."""
    good = kit(GOOD, card=GOOD.card)

    good.test_its_samples_have_no_problems(GOOD)
    good.test_samples_are_of_the_declared_types(GOOD)
    good.test_columns_of_the_input_are_where_it_says(GOOD)
    good.test_inputs_are_within_their_bounds(GOOD)
    good.test_some_samples_are_those_of_all(GOOD)
    good.test_the_same_parameters_give_the_same_samples(tmp_path)
    good.test_the_card_agrees_with_the_loaded_data(GOOD, tmp_path)


@pytest.mark.parametrize(
    ("check", "data"),
    [
        ("test_its_samples_have_no_problems", changed(labels=torch.tensor([0, 1, 2, 0]))),
        ("test_samples_are_of_the_declared_types", changed(inputs=GOOD.inputs.double())),
        ("test_samples_are_of_the_declared_types", changed(classes=("a", "a"))),
        ("test_samples_are_of_the_declared_types", changed(groups=torch.zeros(4))),
        ("test_samples_are_of_the_declared_types", changed(texts=("one",))),
        ("test_columns_of_the_input_are_where_it_says", changed(features={"tall": (1,)})),
        ("test_columns_of_the_input_are_where_it_says", changed(features={"tall": (3,)})),
        ("test_columns_of_the_input_are_where_it_says", with_sex(torch.eye(2), (1, 0))),
        ("test_columns_of_the_input_are_where_it_says", with_sex(torch.eye(3), (0, 1))),
        ("test_inputs_are_within_their_bounds", changed(inputs=GOOD.inputs * 2)),
    ],
)
def test_a_bad_one_does_not(check: str, data: Dataset) -> None:
    """Each mistake fails the check that is made for it."""
    with pytest.raises(AssertionError):
        getattr(kit(data), check)(data)


def test_other_samples_the_second_time_are_caught(tmp_path: Path) -> None:
    """In another order, for one."""
    with pytest.raises(AssertionError):
        kit(
            GOOD, GOOD.take(torch.tensor([3, 2, 1, 0]))
        ).test_the_same_parameters_give_the_same_samples(tmp_path)


def test_a_card_that_promises_more_is_caught(tmp_path: Path) -> None:
    """A spec would be validated with it."""
    with pytest.raises(AssertionError):
        kit(GOOD, card=replace(GOOD.card, samples=5)).test_the_card_agrees_with_the_loaded_data(
            GOOD, tmp_path
        )


def test_a_source_that_draws_from_the_global_state_is_caught(tmp_path: Path) -> None:
    """Others would draw other numbers after it."""

    class Gambling(DataSource):
        def load(self) -> Dataset:
            torch.rand(1)
            return GOOD

    gambling = kit(GOOD)
    gambling.source = lambda folder: Gambling()  # type: ignore[method-assign]

    with pytest.raises(AssertionError, match="global state"):
        gambling.test_the_same_parameters_give_the_same_samples(tmp_path)
