"""What the three parts of a strategy may answer."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from safecompress_core.errors import TopologyError
from safecompress_core.sparse.strategy import _check_dropped, _check_grown, _check_topology
from safecompress_core.sparse.topology import Topology

TOPOLOGY = Topology.from_masks({"a": torch.tensor([True, True, True, False, False])})
WEIGHTS = {"a": torch.zeros(5)}


def mask(*positions: int) -> dict[str, Tensor]:
    """These positions of the only layer."""
    return {"a": torch.isin(torch.arange(5), torch.tensor(positions, dtype=torch.int64))}


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        (mask(0, 3), "returned 1 positions of a that are not active"),
        (mask(0, 1, 2), "returned 3 positions of a; it must return at most 2, which can be repl"),
        ([mask(0)], "returned list; it must return bool tensors by the names of layers"),
        ({"a": [0]}, "returned list for a; it must return bool tensors"),
        ({"b": torch.ones(5).bool()}, "returned what fits no layer: .*b"),
    ],
)
def test_what_cannot_be_dropped_is_told(masks: Any, message: str) -> None:
    """Two of three may go: there are two inactive positions."""
    _check_dropped(None, mask(0, 2), WEIGHTS, TOPOLOGY)  # type: ignore[arg-type]

    with pytest.raises(ValueError, match=message):
        _check_dropped(None, masks, WEIGHTS, TOPOLOGY)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        (mask(2, 3), "returned 1 positions of a that are active already"),
        (mask(3), "returned 1 positions; it must return 2"),
        ({}, "returned 0 positions; it must return 2"),
    ],
)
def test_as_many_inactive_positions_grow_as_were_dropped(
    masks: Mapping[str, Tensor], message: str
) -> None:
    """A weight never comes back in the update that pruned it."""
    _check_grown(None, mask(3, 4), TOPOLOGY, {"a": 2})  # type: ignore[arg-type]

    with pytest.raises(ValueError, match=message):
        _check_grown(None, masks, TOPOLOGY, {"a": 2})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (TOPOLOGY.masks, "it must return a Topology"),
        (TOPOLOGY, "returned 3 active weights of 5; it must return 2"),
        (Topology.from_masks({"b": torch.ones(5).bool()}), "weights"),
    ],
)
def test_a_first_topology_has_exactly_the_density(found: object, message: str) -> None:
    """Of the very weights that were given."""
    _check_topology(None, TOPOLOGY, WEIGHTS, 0.6)  # type: ignore[arg-type]

    with pytest.raises((TopologyError, ValueError), match=message):
        _check_topology(None, found, WEIGHTS, 0.4)  # type: ignore[arg-type]
