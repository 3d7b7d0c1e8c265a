"""RigL, SET, SNIP and GraSP beside the loop with which they share their training."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from safecompress_core.toolkit import Topology, TopologyError
from safecompress_plugins.strategies.at_initialisation import SnipInitial
from safecompress_plugins.strategies.manifest import SnipInitialParams

SIGNS, MAGNITUDE, GRADIENT, RANDOM = (
    {"type": name} for name in ("set", "magnitude", "gradient", "random")
)


@pytest.mark.parametrize(
    ("name", "strategy", "own"),
    [
        (
            "rigl",
            {"prune": MAGNITUDE, "grow": GRADIENT},
            {"initial": {"type": "erdos-renyi-kernel"}},
        ),
        (
            "set",
            {"prune": SIGNS, "grow": RANDOM},
            {"initial": {"type": "erdos-renyi"}, "update_every": 1},
        ),
    ],
)
def test_it_is_one_round_of_the_loop_without_a_test(
    shop: Callable[..., Any], name: str, strategy: dict[str, Any], own: dict[str, Any]
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
    loop = {
        "type": "test-driven",
        "field": 1,
        "twins": False,
        "rounds": 1,
        "keep": False,
        "finetune": 0.5,
    }
    tested = shop({**loop, **common, "strategies": [strategy]}, "loop").run().chosen

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

    assert "inherited_epochs" not in shop(fresh).run().facts
    assert shop(inherited, "inherited").run().facts["inherited_epochs"] == 6


@pytest.mark.parametrize(
    "method",
    [
        {"type": "rigl"},
        {"type": "set"},
        {"type": "set", "grow": {"type": "random-unfired"}},
        {"type": "rigl", "prune": {"type": "saliency"}, "grow": {"type": "momentum"}},
        {
            "type": "test-driven",
            "field": 1,
            "twins": False,
            "rounds": 2,
            "keep": False,
            "strategies": [{"prune": {"type": "movement"}, "grow": {"type": "random"}}],
        },
    ],
    ids=lambda method: "-".join([method["type"], method.get("grow", {}).get("type", "")]),
)
def test_results_say_how_many_weights_a_moving_topology_has_tried(
    shop: Callable[..., Any], method: dict[str, Any]
) -> None:
    """More than it has, and less than there are; the model that ships is a part of them."""
    outcome = shop({"density": 0.2, "update_every": 1, **method}).run()
    explored = outcome.chosen.explored

    assert outcome.facts["explored"] == explored.density
    assert 0.2 < outcome.facts["explored"] < 1
    assert explored.unite(outcome.chosen.topology) == explored


def test_growth_where_no_weight_has_been_explores_most(shop: Callable[..., Any]) -> None:
    """So many updates cannot reach more; growth by gradient comes back to where it was.

    Each weight that an update replaces is a new one, until the last of them is explored.
    """
    common = {"type": "set", "density": 0.2, "update_every": 1, "update_fraction": 0.3}
    found = {
        grow: shop({**common, "grow": {"type": grow}}, grow).run().facts["explored"]
        for grow in ("random-unfired", "random", "gradient")
    }

    assert found["random-unfired"] > found["random"] > found["gradient"]


def fullest_groups(topology: Topology) -> list[int]:
    """The most weights that four consecutive inputs have, by layer whose inputs are such groups."""
    masks = [mask for mask in topology.masks.values() if mask.shape[1] % 4 == 0]
    return [int(mask.unflatten(1, (-1, 4)).sum(dim=2).max()) for mask in masks]


@pytest.mark.parametrize("density", [0.3, 0.5])
def test_a_topology_walks_to_2_of_4_and_stays_there(
    shop: Callable[..., Any], density: float
) -> None:
    """From the second of five updates on; the default rules never come near it."""
    common = {
        "type": "rigl",
        "density": density,
        "initial": {"type": "uniform"},
        "update_every": 1,
        "update_until": 1.0,
    }
    grouped = {**common, "prune": {"type": "n-m"}, "grow": {"type": "n-m"}}
    some = shop({**grouped, "update_until": 0.5}, "some").run().chosen.topology
    outcome = shop(grouped, "walked").run()
    walked = outcome.chosen.topology
    free = shop(common, "free").run().chosen.topology

    assert fullest_groups(some) == fullest_groups(walked) == [2, 2]
    assert some != walked
    assert max(fullest_groups(free)) > 2
    assert walked.active() == free.active()
    assert outcome.facts["within_2_of_4"] == 1


def test_a_topology_that_never_moves_has_the_densities_of_its_layers_alone(
    shop: Callable[..., Any],
) -> None:
    """It has tried what it has."""
    assert shop({"type": "snip", "density": 0.3}).run().facts.keys() == {"layers"}


def test_a_run_that_was_killed_grows_as_if_it_had_not_been(shop: Callable[..., Any]) -> None:
    """What was explored, and momentum, come back from the round's checkpoint: the same bytes."""
    strategies = [
        {"prune": {"type": "saliency"}, "grow": {"type": "momentum"}},
        {"prune": {"type": "set"}, "grow": {"type": "random-unfired"}},
    ]
    method = {
        "type": "test-driven",
        "field": 1,
        "twins": False,
        "density": 0.2,
        "rounds": 3,
        "update_every": 1,
    }
    attackers = [{"type": "loss-threshold"}]
    whole = shop({**method, "strategies": strategies}, "whole", attackers=attackers)
    kept: list[Any] = []
    save = whole.method_context.checkpoints.save

    class KilledError(BaseException):
        """After the first round's checkpoint."""

    def save_and_die(*args: Any) -> None:
        save(*args)
        kept.append(args)
        raise KilledError

    other = shop({**method, "strategies": strategies}, "undisturbed", attackers=attackers)
    undisturbed = other.run().chosen
    whole.method_context.checkpoints.save = save_and_die  # type: ignore[method-assign]
    with pytest.raises(KilledError):
        whole.run()
    whole.method_context.checkpoints.save = save  # type: ignore[method-assign]
    resumed = whole.run().chosen

    assert len(kept) == 1
    wanted = undisturbed.tensors()
    assert resumed.tensors().keys() == wanted.keys()
    assert all(torch.equal(tensor, wanted[key]) for key, tensor in resumed.tensors().items())


def test_snip_and_grasp_choose_other_weights(shop: Callable[..., Any]) -> None:
    """They rank by different things."""
    snip, grasp = (
        shop({"type": name, "density": 0.3, "batches": 4}, name).run().chosen.topology
        for name in ("snip", "grasp")
    )

    assert snip != grasp


def test_choosing_by_the_loss_without_its_slopes_is_an_error() -> None:
    """The engine has to have asked for them."""
    with pytest.raises(TopologyError, match="needs the loss's gradients"):
        SnipInitial(SnipInitialParams()).topology(
            {"a": torch.ones(3)}, 0.5, inherited=False, generator=torch.Generator()
        )
