"""What the rules grow that know what training has left behind."""

import pytest
import torch
from torch import Tensor, tensor

from safecompress_core.errors import TopologyError
from safecompress_core.sparse.strategy import History
from safecompress_core.sparse.topology import Topology
from safecompress_plugins.strategies.manifest import MomentumGrowthParams, RandomGrowthParams
from safecompress_plugins.strategies.momentum_growth import MomentumGrowth
from safecompress_plugins.strategies.random_growth import RandomUnfiredGrowth

NOW = Topology.from_masks({"a": tensor([1, 1, 0, 0, 0, 0]), "b": tensor([1, 0, 0, 0])})
BEFORE = Topology.from_masks({"a": tensor([1, 1, 1, 1, 0, 0]), "b": tensor([1, 1, 1, 1])})


def grown(
    rule: MomentumGrowth | RandomUnfiredGrowth, history: History, **counts: int
) -> dict[str, list[int]]:
    """Which positions of each layer grow."""
    masks = rule.grow(
        NOW,
        {"a": 0, "b": 0, **counts},
        gradients=None,
        generator=torch.Generator().manual_seed(0),
        history=history,
    )
    return {name: mask.nonzero().flatten().tolist() for name, mask in masks.items()}


def unfired(scope: str) -> RandomUnfiredGrowth:
    """The rule."""
    return RandomUnfiredGrowth(RandomGrowthParams(scope=scope))


@pytest.mark.parametrize("scope", ["layer", "global"])
def test_what_was_never_active_grows_first(scope: str) -> None:
    """There are just two such positions, both in the first layer."""
    assert grown(unfired(scope), History(explored=BEFORE), a=2) == {"a": [4, 5], "b": []}


def test_once_all_have_been_active_any_inactive_one_grows() -> None:
    """Three of a layer: the two new ones, and one that was there before; of the other, any two."""
    found = grown(unfired("layer"), History(explored=BEFORE), a=3, b=2)

    assert found["a"] in ([2, 4, 5], [3, 4, 5])
    assert len(found["b"]) == 2
    assert set(found["b"]) <= {1, 2, 3}


def test_overall_new_positions_of_any_layer_come_before_old_ones_of_its_own() -> None:
    """The second layer has nothing new left, so what it lost goes to the first."""
    assert grown(unfired("global"), History(explored=BEFORE), b=2) == {"a": [4, 5], "b": []}


MOMENTUM: dict[str, Tensor] = {
    "a": tensor([3.0, -3.0, 0.1, -0.9, 0.2, 0.3]),  # mean of the active ones: 3
    "b": tensor([-1.0, 0.4, -0.8, 0.5]),  # mean of the active one: 1
}


def by_momentum(scope: str, **counts: int) -> dict[str, list[int]]:
    """What grows where."""
    rule = MomentumGrowth(MomentumGrowthParams(scope=scope))
    return grown(rule, History(explored=NOW, momentum=MOMENTUM), **counts)


def test_the_largest_momenta_of_what_is_inactive_grow() -> None:
    """In each layer as many as it lost; signs do not matter."""
    assert by_momentum("layer", a=2, b=1) == {"a": [3, 5], "b": [2]}


def test_overall_the_largest_momenta_grow_wherever_they_are() -> None:
    """0.9, 0.8 and 0.5."""
    assert by_momentum("global", a=3) == {"a": [3], "b": [2, 3]}


def test_layers_share_what_was_lost_by_the_mean_momentum_of_their_weights() -> None:
    """3 : 1, so that of four three grow in the first layer, whichever layer lost them."""
    assert by_momentum("share", b=4) == {"a": [3, 4, 5], "b": [2]}


def test_a_full_layer_passes_its_share_on() -> None:
    """Of six the first would get four and a half, and has room for four."""
    assert by_momentum("share", a=6) == {"a": [2, 3, 4, 5], "b": [2, 3]}


def test_layers_without_any_momentum_share_alike() -> None:
    """Before the first step, say; nothing is divided by 0."""
    history = History(explored=NOW, momentum={name: 0 * one for name, one in MOMENTUM.items()})
    rule = MomentumGrowth(MomentumGrowthParams())

    assert grown(rule, history, a=4) == {"a": [2, 3], "b": [1, 2]}


@pytest.mark.parametrize("rule", [unfired("layer"), MomentumGrowth(MomentumGrowthParams())])
def test_without_a_history_they_say_so(rule: MomentumGrowth | RandomUnfiredGrowth) -> None:
    """Called by hand without one, they name what is missing."""
    with pytest.raises(TopologyError, match="needs a history"):
        rule.grow(NOW, {"a": 1, "b": 0}, gradients=None, generator=torch.Generator())
