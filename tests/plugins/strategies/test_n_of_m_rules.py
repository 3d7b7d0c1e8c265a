"""What the rules drop and grow that lead to N:M, and that they get there."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from torch import Tensor, tensor

from safecompress_core.api import InitialParams, MethodParams
from safecompress_core.errors import TopologyError
from safecompress_core.sparse.strategy import Grow, History, Prune
from safecompress_core.sparse.topology import Topology
from safecompress_core.sparse.update import update_topology
from safecompress_plugins.methods.hardware_manifest import NOfMParams
from safecompress_plugins.strategies.initial import Uniform
from safecompress_plugins.strategies.manifest import (
    GroupParams,
    MagnitudePruningParams,
    NOfMGrowthParams,
    NOfMPruningParams,
)
from safecompress_plugins.strategies.n_of_m_rules import NOfMGrowth, NOfMPruning
from safecompress_plugins.strategies.scored_pruning import MagnitudePruning

SHAPES = {"conv": (3, 12, 2, 2), "fc": (5, 24), "odd": (4, 7)}


def seeded(seed: int) -> torch.Generator:
    """A generator with this seed."""
    return torch.Generator().manual_seed(seed)


def random_weights(seed: int) -> dict[str, Tensor]:
    """Standard normal numbers of three layers; 4, 3 and 2 divide the inputs of two."""
    generator = seeded(seed)
    return {name: torch.randn(shape, generator=generator) for name, shape in SHAPES.items()}


def positions(mask: Tensor) -> list[int]:
    """Where a mask of one row is True."""
    return mask.flatten().nonzero().flatten().tolist()


@pytest.mark.parametrize("params", [GroupParams, NOfMPruningParams, NOfMGrowthParams, NOfMParams])
@pytest.mark.parametrize("n", [4, 5])
def test_a_group_that_leaves_nothing_out_is_refused(params: type[GroupParams], n: int) -> None:
    """By the rules as by the method."""
    with pytest.raises(ValidationError, match=f"n is {n}, and m 4; write an 'n' less"):
        params(n=n)
    assert issubclass(NOfMParams, MethodParams)


# Pruning


WEIGHTS = {
    # Groups of 4, 1, 3 and 2 weights: 0.1 and 0.7 are beyond two, and so is 0.4.
    "fc": tensor(
        [
            [0.9, -0.8, 0.1, -0.7, 0.05, 0.0, 0.0, 0.0],
            [0.0, 0.6, 0.5, -0.4, -0.3, 0.0, 0.0, 0.2],
        ]
    )
}
TOPOLOGY = Topology.from_masks({"fc": (WEIGHTS["fc"] != 0)})


@pytest.mark.parametrize(
    ("fraction", "sizes"),
    [
        (0.0, []),
        (0.1, [0.1]),
        (0.2, [0.1, 0.4]),
        (0.3, [0.1, 0.4, 0.7]),
        (0.4, [0.05, 0.1, 0.4, 0.7]),
        (0.6, [0.05, 0.1, 0.2, 0.3, 0.4, 0.7]),
    ],
)
def test_what_groups_have_too_many_goes_before_what_is_small(
    fraction: float, sizes: list[float]
) -> None:
    """Of ten weights: first the three beyond two of four, the smallest of them first."""
    dropped = NOfMPruning(NOfMPruningParams()).drop(WEIGHTS, TOPOLOGY, fraction=fraction)

    assert sorted(WEIGHTS["fc"][dropped["fc"]].abs().tolist()) == pytest.approx(sizes)


def test_of_equal_weights_the_first_of_a_group_stay_and_the_first_of_a_layer_go() -> None:
    """One is beyond two of the first group: its last; then any may go, from the front."""
    topology = Topology.from_masks({"fc": tensor([[1, 1, 1, 0, 0, 1, 1, 0]])})
    weights = {"fc": torch.ones(1, 8)}
    rule = NOfMPruning(NOfMPruningParams())

    assert positions(rule.drop(weights, topology, fraction=0.2)["fc"]) == [2]
    assert positions(rule.drop(weights, topology, fraction=0.6)["fc"]) == [0, 1, 2]


def test_overall_any_layer_with_too_full_a_group_gives_first() -> None:
    """0.7 is beyond two of its group, and goes before 0.1; by layer either gives a half."""
    weights = {
        "full": tensor([[0.9, 0.8, 0.7, 0.6, 0.0, 0.0, 0.0, 0.0]]),
        "free": tensor([[0.1, 0.2, 0.0, 0.0]]),
    }
    topology = Topology.from_masks({name: one != 0 for name, one in weights.items()})

    def dropped(scope: str, fraction: float) -> dict[str, list[int]]:
        rule = NOfMPruning(NOfMPruningParams(scope=scope))
        masks = rule.drop(weights, topology, fraction=fraction)
        return {name: positions(mask) for name, mask in masks.items()}

    assert dropped("global", 0.3) == {"full": [2, 3], "free": []}
    assert dropped("global", 0.5) == {"full": [2, 3], "free": [0]}
    assert dropped("layer", 0.5) == {"full": [2, 3], "free": [0]}
    assert dropped("layer", 0.3) == {"full": [3], "free": [0]}


def test_results_say_how_many_groups_are_within_bounds() -> None:
    """Two of the four above have more than two of four; seven inputs are no groups at all."""
    rule, odd = NOfMPruning(NOfMPruningParams()), torch.ones(2, 7)

    assert rule.facts(TOPOLOGY) == {"within_2_of_4": 0.5}
    assert rule.facts(Topology.from_masks({**TOPOLOGY.masks, "odd": odd})) == rule.facts(TOPOLOGY)
    assert rule.facts(Topology.from_masks({"odd": odd})) == {}


def test_a_layer_without_whole_groups_is_pruned_by_magnitude() -> None:
    """Seven inputs are no groups of four, and a layer of one dimension has none."""
    weights = {"odd": random_weights(1)["odd"], "flat": torch.linspace(1, 2, 8)}
    topology = Topology.from_masks(
        {"odd": weights["odd"] > -0.5, "flat": tensor([1, 1] * 3 + [0] * 2)}
    )

    found = NOfMPruning(NOfMPruningParams()).drop(weights, topology, fraction=0.3)
    plain = MagnitudePruning(MagnitudePruningParams()).drop(weights, topology, fraction=0.3)

    assert all(torch.equal(found[name], plain[name]) for name in weights)


# Growing


NOW = Topology.from_masks({"fc": tensor([[1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0]])})
GRADIENTS = {"fc": tensor([[9.0, 9.0, 0.1, -0.3, 9.0, -0.4, 0.2, 0.5, 5.0, -6.0, 7.0, 4.0]])}


def grown(count: int, **dropped: Tensor) -> list[int]:
    """Which positions of the topology above grow."""
    masks = NOfMGrowth(NOfMGrowthParams()).grow(
        NOW,
        {"fc": count},
        gradients=GRADIENTS,
        generator=seeded(0),
        history=History(explored=NOW, dropped=dropped),
    )
    return positions(masks["fc"])


@pytest.mark.parametrize(
    ("count", "chosen"),
    [(0, []), (1, [10]), (2, [9, 10]), (3, [7, 9, 10])],
)
def test_the_largest_gradients_grow_that_their_groups_have_room_for(
    count: int, chosen: list[int]
) -> None:
    """The first group is full; the last has room for two, so that 5.0 comes after 0.5."""
    assert grown(count) == chosen


def test_room_is_what_is_left_after_pruning() -> None:
    """A weight of the first group has gone: one of the two others takes its place."""
    dropped = tensor([[1] + [0] * 11]).bool()

    assert grown(4, fc=dropped) == [3, 7, 9, 10]


def test_where_the_places_do_not_suffice_the_largest_gradients_grow_anywhere() -> None:
    """Three places, and then 5.0 and 4.0, in the group that is full by then."""
    assert grown(5) == [7, 8, 9, 10, 11]


def test_a_group_grows_no_more_than_it_has_other_positions_for() -> None:
    """3:4, and two of three go: the first group has room for two, and one position for them."""
    topology = Topology.from_masks({"fc": tensor([[1, 1, 1, 0, 0, 0, 0, 0]])})
    dropped = {"fc": tensor([[True] * 2 + [False] * 6])}
    masks = NOfMGrowth(NOfMGrowthParams(n=3)).grow(
        topology,
        {"fc": 2},
        gradients={"fc": tensor([[9.0, 9.0, 9.0, 0.1, 2.0, 3.0, 4.0, 1.0]])},
        generator=seeded(0),
        history=History(explored=topology, dropped=dropped),
    )

    assert positions(masks["fc"]) == [5, 6]


@given(
    seed=st.integers(0, 2**31),
    density=st.floats(0.1, 0.9),
    fraction=st.floats(0.0, 1.0),
    m=st.integers(2, 4),
    data=st.data(),
)
def test_growth_is_that_of_going_through_the_gradients_one_by_one(
    seed: int, density: float, fraction: float, m: int, data: st.DataObject
) -> None:
    """A slow reference: from the largest on, each grows if its group has room; then all may."""
    n = data.draw(st.integers(1, m - 1))
    weights, gradients = random_weights(seed), random_weights(seed + 1)
    topology = Uniform(InitialParams()).topology(
        weights, density, inherited=False, generator=seeded(seed)
    )
    update = update_topology(
        weights,
        topology,
        prune=MagnitudePruning(MagnitudePruningParams()),
        grow=NOfMGrowth(NOfMGrowthParams(n=n, m=m)),
        fraction=fraction,
        gradients=gradients,
        generator=seeded(0),
        history=History(explored=topology),
    )

    for name, before in topology.masks.items():
        now, count = before & ~update.dropped[name], int(update.dropped[name].sum())
        free = sorted(
            (tuple(at) for at in (~before).nonzero().tolist()),
            key=lambda at: -float(gradients[name][at].abs()),
        )
        chosen: list[tuple[int, ...]] = []
        for output, column, *place in free:
            start = column - column % m
            group = now[(output, slice(start, start + m), *place)]
            if len(chosen) < count and (before.shape[1] % m or int(group.sum()) < n):
                now[(output, column, *place)] = True
                chosen.append((output, column, *place))
        chosen += [at for at in free if at not in chosen][: count - len(chosen)]
        assert {tuple(at) for at in update.grown[name].nonzero().tolist()} == set(chosen)


@pytest.mark.parametrize("missing", ["gradients", "a history"])
def test_without_what_it_needs_it_says_so(missing: str) -> None:
    """Called by hand."""
    with pytest.raises(TopologyError, match=f"growing within groups needs {missing}"):
        NOfMGrowth(NOfMGrowthParams()).grow(
            NOW,
            {"fc": 1},
            gradients=None if missing == "gradients" else GRADIENTS,
            generator=seeded(0),
        )


# Both


def updated(topology: Topology, seed: int, fraction: float, prune: Prune, grow: Grow) -> Topology:
    """After one update with other weights and gradients."""
    return update_topology(
        random_weights(seed),
        topology,
        prune=prune,
        grow=grow,
        fraction=fraction,
        gradients=random_weights(seed + 1),
        generator=seeded(seed),
        history=History(explored=topology),
    ).topology


def beyond(topology: Topology, *, n: int, m: int) -> int:
    """How many weights all groups have beyond n."""
    masks = [mask for mask in topology.masks.values() if mask.shape[1] % m == 0]
    return sum(int((mask.unflatten(1, (-1, m)).sum(2) - n).clamp(min=0).sum()) for mask in masks)


@given(
    seed=st.integers(0, 2**31),
    density=st.floats(0.2, 1.0),
    groups=st.sampled_from([(1, 2), (1, 3), (1, 4), (2, 4), (2, 6), (3, 6)]),
    fraction=st.floats(0.0, 1.0),
)
def test_a_topology_walks_to_n_of_m_and_stays_there(
    seed: int, density: float, groups: tuple[int, int], fraction: float
) -> None:
    """With room for all and n at most half of m; then whatever is pruned, by whatever rule."""
    n, m = groups
    density *= n / m
    prune, grow = NOfMPruning(NOfMPruningParams(n=n, m=m)), NOfMGrowth(NOfMGrowthParams(n=n, m=m))
    topology = Uniform(InitialParams()).topology(
        random_weights(seed), density, inherited=False, generator=seeded(seed)
    )
    for step in range(8):
        after = updated(topology, seed + step, 0.3, prune, grow)
        assert beyond(after, n=n, m=m) <= beyond(topology, n=n, m=m)
        topology = after
    assert beyond(topology, n=n, m=m) == 0

    magnitude = MagnitudePruning(MagnitudePruningParams())
    for rule in (prune, magnitude):
        topology = updated(topology, seed + 20, fraction, rule, grow)
        assert beyond(topology, n=n, m=m) == 0


def test_weights_that_a_layer_has_no_room_for_leave_it_overall() -> None:
    """A layer of density 0.8 keeps 2:4 once it has given the rest to another."""
    masks = {"full": torch.ones(4, 20), "free": torch.zeros(8, 20)}
    masks["full"][:, ::5] = 0
    masks["free"][:, ::5] = 1
    topology = Topology.from_masks(masks)

    def walked(scope: str) -> Topology:
        prune = NOfMPruning(NOfMPruningParams(scope=scope))
        grow = NOfMGrowth(NOfMGrowthParams(scope=scope))
        now = topology
        for step in range(12):
            values = {
                name: torch.rand(one.shape, generator=seeded(step)) for name, one in masks.items()
            }
            now = update_topology(
                values,
                now,
                prune=prune,
                grow=grow,
                fraction=0.3,
                gradients=values,
                generator=seeded(step),
                history=History(explored=now),
            ).topology
        return now

    assert beyond(walked("global"), n=2, m=4) == 0
    assert beyond(walked("layer"), n=2, m=4) == 64 - 40
