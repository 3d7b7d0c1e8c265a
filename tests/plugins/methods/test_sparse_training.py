"""RigL, SET, SNIP and GraSP beside the loop with which they share their training."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from safecompress_core.toolkit import TopologyError
from safecompress_plugins.strategies.at_initialisation import SnipInitial
from safecompress_plugins.strategies.manifest import SnipInitialParams

MAGNITUDE, GRADIENT, RANDOM = ({"type": name} for name in ("magnitude", "gradient", "random"))


@pytest.mark.parametrize(
    ("name", "grow", "own"),
    [
        ("rigl", GRADIENT, {"initial": {"type": "erdos-renyi-kernel"}}),
        ("set", RANDOM, {"initial": {"type": "erdos-renyi"}, "update_every": 1}),
    ],
)
def test_it_is_one_round_of_the_loop_without_a_test(
    shop: Callable[..., Any], name: str, grow: dict[str, Any], own: dict[str, Any]
) -> None:
    """The same weights to the last bit, where the round's candidate is due with an update anyway.

    So what ``test-driven`` is better or worse by is what it tests, and nothing else.
    """
    common = {
        "density": 0.3,
        "update_every": 3,
        "update_fraction": 0.3,
        "schedule": "cosine",
        "update_until": 1.0,
        **own,
    }
    alone = shop({"type": name, **common}).run().chosen
    strategies = [{"prune": MAGNITUDE, "grow": grow}]
    loop = {"type": "test-driven", "rounds": 1, "keep": False, "finetune": 0.5}
    tested = shop({**loop, **common, "strategies": strategies}, "loop").run().chosen

    assert alone.topology == tested.topology
    found, wanted = alone.tensors(), tested.tensors()
    assert found.keys() == wanted.keys()
    assert all(torch.equal(tensor, wanted[key]) for key, tensor in found.items())


@pytest.mark.parametrize("name", ["snip", "grasp"])
def test_it_trains_the_initial_topology_of_its_name(shop: Callable[..., Any], name: str) -> None:
    """Which any method of sparse training may start from; the topology then stays."""
    alone = shop({"type": name, "density": 0.3, "batches": 2}).run().chosen
    initial = {"type": name, "batches": 2}
    still = {"type": "rigl", "density": 0.3, "initial": initial, "update_every": 0}
    same = shop(still, "still").run().chosen
    moving = shop({**still, "update_every": 2}, "moving").run().chosen

    assert alone.topology == same.topology != moving.topology
    wanted = same.tensors()
    assert all(torch.equal(tensor, wanted[key]) for key, tensor in alone.tensors().items())


def test_inherited_weights_are_told_with_the_epochs_that_they_have_seen_before(
    shop: Callable[..., Any],
) -> None:
    """Training goes beyond the budget then, and results say by how much."""
    fresh = {"type": "rigl", "density": 0.3}
    inherited = {**fresh, "initial": {"type": "uniform", "weights": "inherit"}}

    assert shop(fresh).run().facts == {}
    assert shop(inherited, "inherited").run().facts == {"inherited_epochs": 6}


def test_snip_and_grasp_choose_other_weights(shop: Callable[..., Any]) -> None:
    """They rank by different things."""
    snip, grasp = (
        shop({"type": name, "density": 0.3, "batches": 4}, name).run().chosen.topology
        for name in ("snip", "grasp")
    )

    assert snip != grasp


def test_choosing_by_the_loss_without_its_slopes_is_an_error() -> None:
    """The engine has to have asked for them."""
    with pytest.raises(TopologyError, match="needs its slopes"):
        SnipInitial(SnipInitialParams()).topology(
            {"a": torch.ones(3)}, 0.5, inherited=False, generator=torch.Generator()
        )
