"""Movement of weights between layers: exact counts, and which weights move."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from safecompress_core.errors import TopologyError
from safecompress_core.sparse.reallocation import reallocate, reallocated_counts
from safecompress_core.sparse.topology import Topology


def topology_of(**active: tuple[int, int]) -> Topology:
    """Return a topology of layers of so many weights, the first so many of which are active."""
    return Topology.from_masks(
        {name: torch.arange(size) < count for name, (count, size) in active.items()}
    )


def generator() -> torch.Generator:
    """Return a generator with a fixed seed."""
    return torch.Generator().manual_seed(3)


def test_counts_follow_the_factors() -> None:
    """Twice the share of 10 beside 20 that stay: 20 to 20 of 30 weights, worked by hand."""
    topology = topology_of(a=(10, 100), b=(20, 100))

    assert reallocated_counts(topology, {"a": 2.0}) == {"a": 15, "b": 15}
    assert reallocated_counts(topology, {"a": 2.0, "b": 2.0}) == {"a": 10, "b": 20}
    assert reallocated_counts(topology, {}) == topology.active()


def test_a_full_layer_passes_the_rest_on_and_none_is_emptied() -> None:
    """A layer of 12 weights takes no more, and one weight always stays."""
    topology = topology_of(a=(10, 12), b=(20, 100), c=(2, 50))

    assert reallocated_counts(topology, {"a": 100.0})["a"] == 12
    assert reallocated_counts(topology, {"c": 1e-6})["c"] == 1


@given(
    st.lists(st.tuples(st.integers(1, 40), st.integers(0, 40)), min_size=1, max_size=5),
    st.lists(st.floats(0.01, 100), min_size=5, max_size=5),
)
def test_the_total_stays_whatever_the_factors(
    layers: list[tuple[int, int]], factors: list[float]
) -> None:
    """No layer has more weights than positions, or none."""
    names = "abcde"
    topology = topology_of(
        **{name: (count, count + rest) for name, (count, rest) in zip(names, layers, strict=False)}
    )
    weights = {name: torch.randn(mask.shape) for name, mask in topology.masks.items()}
    chosen = {name: factors[names.index(name)] for name in topology.masks}

    moved = reallocate(topology, weights, chosen, by_magnitude=True, generator=generator())

    assert moved.total_active == topology.total_active
    assert moved.active() == reallocated_counts(topology, chosen)
    assert all(0 < count <= moved.masks[name].numel() for name, count in moved.active().items())


@pytest.mark.parametrize("by_magnitude", [True, False])
def test_a_layer_that_shrinks_loses_its_smallest_trained_weights(by_magnitude: bool) -> None:
    """And any of them before training."""
    topology = topology_of(a=(4, 8), b=(4, 8))
    weights: dict[str, Tensor] = {"a": torch.tensor([4.0, -1, 3, 2, 0, 0, 0, 0])}
    weights["b"] = torch.zeros(8)

    moved = reallocate(
        topology, weights, {"a": 1 / 3}, by_magnitude=by_magnitude, generator=generator()
    )

    assert moved.active() == {"a": 2, "b": 6}
    kept = moved.masks["a"]
    assert bool((topology.masks["a"] | ~kept).all())
    assert bool((moved.masks["b"] | ~topology.masks["b"]).all())
    if by_magnitude:
        assert kept.nonzero().flatten().tolist() == [0, 2]


def test_the_same_generator_moves_the_same_weights() -> None:
    """As a swap twin and a replay need it."""
    topology = topology_of(a=(10, 100), b=(20, 100))
    weights = {name: torch.ones(100) for name in "ab"}

    first, second = (
        reallocate(topology, weights, {"a": 2.0}, by_magnitude=False, generator=generator())
        for _ in range(2)
    )

    assert first == second


def test_an_unknown_layer_is_refused() -> None:
    """With the names of those there are."""
    with pytest.raises(TopologyError, match=r"no layer is called 'c'; there are: a, b"):
        reallocated_counts(topology_of(a=(1, 2), b=(1, 2)), {"c": 2.0})
