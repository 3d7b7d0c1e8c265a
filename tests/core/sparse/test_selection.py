"""Selections are exact in number, and the ones that a full sort would make."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import tensor

from safecompress_core.errors import TopologyError
from safecompress_core.sparse.selection import (
    flatten,
    largest,
    largest_by_layer,
    largest_overall,
    random_positions,
    smallest,
    unflatten,
)

# Few distinct values, so that ties are the rule.
VALUES = st.sampled_from([-np.inf, -2.0, -0.0, 0.0, 0.5, 1.0, np.inf])


@st.composite
def choices(draw: st.DrawFn) -> tuple[torch.Tensor, torch.Tensor, int]:
    """Values, eligible positions, and a count that they allow."""
    pairs = draw(st.lists(st.tuples(VALUES, st.booleans()), min_size=1, max_size=40))
    eligible = tensor([flag for _, flag in pairs])
    count = draw(st.integers(0, int(eligible.sum())))
    return tensor([value for value, _ in pairs]), eligible, count


@given(choices())
def test_largest_is_the_head_of_a_stable_sort(
    choice: tuple[torch.Tensor, torch.Tensor, int],
) -> None:
    """Count and positions are those of numpy's stable argsort over what is eligible."""
    values, eligible, count = choice
    positions = np.flatnonzero(eligible.numpy())
    order = np.argsort(-values.numpy()[positions], kind="stable")

    chosen = largest(values, eligible, count)

    assert np.flatnonzero(chosen.numpy()).tolist() == sorted(positions[order[:count]].tolist())


@given(choices())
def test_smallest_is_the_head_of_a_stable_ascending_sort(
    choice: tuple[torch.Tensor, torch.Tensor, int],
) -> None:
    """Ties go to the first positions here too, not to the last."""
    values, eligible, count = choice
    positions = np.flatnonzero(eligible.numpy())
    order = np.argsort(values.numpy()[positions], kind="stable")

    chosen = smallest(values, eligible, count)

    assert np.flatnonzero(chosen.numpy()).tolist() == sorted(positions[order[:count]].tolist())


@given(choices(), st.integers(0, 2**32))
def test_random_positions_are_exact_and_eligible(
    choice: tuple[torch.Tensor, torch.Tensor, int], seed: int
) -> None:
    """Whatever the seed, exactly as many as asked for, and none that is not eligible."""
    _, eligible, count = choice

    chosen = random_positions(eligible, count, generator=torch.Generator().manual_seed(seed))

    assert int(chosen.sum()) == count
    assert not bool((chosen & ~eligible).any())


def test_random_positions_follow_the_seed_and_reach_every_position() -> None:
    """The same seed chooses the same; over many seeds each position is chosen equally often."""
    eligible = tensor([[True, True, False], [True, True, True]])

    def chosen(seed: int) -> torch.Tensor:
        return random_positions(eligible, 2, generator=torch.Generator().manual_seed(seed))

    assert torch.equal(chosen(7), chosen(7))
    often = sum(chosen(seed).float() for seed in range(2000))
    # 2 of 5: mean 800, standard deviation sqrt(2000 · 0.4 · 0.6) = 22.
    assert torch.all((often[eligible] - 800).abs() < 4 * 22)


def test_nan_is_chosen_last() -> None:
    """A NaN neither breaks the count nor displaces a number, on either side."""
    values, anywhere = tensor([torch.nan, 1.0, 2.0, torch.nan]), torch.ones(4, dtype=torch.bool)

    assert largest(values, anywhere, 1).tolist() == [False, False, True, False]
    assert smallest(values, anywhere, 2).tolist() == [False, True, True, False]
    assert largest(values, anywhere, 3).tolist() == [True, True, True, False]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_largest_keeps_shape_in_every_precision(dtype: torch.dtype) -> None:
    """A matrix gives a mask of its shape, in half precision too."""
    values = tensor([[1.0, 4.0], [3.0, 2.0]], dtype=dtype)

    chosen = largest(values, torch.ones_like(values, dtype=torch.bool), 2)

    assert chosen.tolist() == [[False, True], [True, False]]


@pytest.mark.parametrize("count", [-1, 2])
def test_impossible_counts_are_refused(count: int) -> None:
    """More than is eligible, or less than nothing, is an error for each way of choosing."""
    eligible = tensor([True, False])

    with pytest.raises(TopologyError, match=f"cannot choose {count} of 1 eligible weights"):
        largest(tensor([1.0, 2.0]), eligible, count)
    with pytest.raises(TopologyError, match=f"cannot choose {count} of 1 eligible weights"):
        random_positions(eligible, count, generator=torch.Generator())


def test_flattened_layers_come_back() -> None:
    """Layers laid end to end are cut apart again at the same places."""
    layers = {"a": torch.arange(6.0).view(2, 3), "b": torch.arange(4.0).view(1, 2, 2)}

    again = unflatten(flatten(layers), {name: layer.shape for name, layer in layers.items()})

    assert list(again) == ["a", "b"]
    assert all(torch.equal(again[name], layer) for name, layer in layers.items())


def test_of_all_layers_the_largest_are_chosen_and_each_has_one() -> None:
    """A layer whose values are small keeps its own largest; the others fill the count."""
    layers = {"a": tensor([[9.0, 8.0], [7.0, 6.0]]), "b": tensor([0.1, 0.3, 0.2])}

    chosen = largest_overall(layers, 3)

    assert chosen["a"].tolist() == [[True, True], [False, False]]
    assert chosen["b"].tolist() == [False, True, False]


def test_of_all_layers_the_first_of_equals_are_chosen() -> None:
    """Exactly so many, however many are alike; what is no number comes last."""
    nan, inf = float("nan"), float("inf")
    layers = {"a": tensor([1.0, 1.0, nan]), "b": tensor([nan, -inf, 1.0])}

    chosen = largest_overall(layers, 3)

    assert chosen["a"].tolist() == [True, True, False]
    assert chosen["b"].tolist() == [False, False, True]


def test_more_layers_than_weights_are_an_error() -> None:
    """It says how many there are."""
    with pytest.raises(TopologyError, match="2 layers cannot share 1 weights"):
        largest_overall({"a": torch.ones(2), "b": torch.ones(2)}, 1)


def test_layers_may_each_keep_their_own_number_of_the_largest() -> None:
    """A large value of one layer takes no place of another; ineligible positions have none."""
    values = {"a": tensor([9.0, 8.0, 7.0]), "b": tensor([0.1, 0.3, 0.2])}
    eligible = {"a": tensor([True, True, True]), "b": tensor([True, False, True])}
    counts = {"a": 1, "b": 1}

    anywhere, restricted = (
        largest_by_layer(values, counts),
        largest_by_layer(values, counts, eligible=eligible),
    )

    assert anywhere["a"].tolist() == restricted["a"].tolist() == [True, False, False]
    assert anywhere["b"].tolist() == [False, True, False]
    assert restricted["b"].tolist() == [False, False, True]
