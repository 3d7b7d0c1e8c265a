"""The built-in strategies keep the density exactly, and choose what they say they choose."""

import math
import pkgutil
import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.datasets import load_digits
from torch import Tensor, nn, tensor
from torch.nn.utils import prune as torch_prune

from safecompress_core.api import InitialParams, Role, StrategyDef
from safecompress_core.errors import TopologyError
from safecompress_core.sparse.allocation import erdos_renyi, uniform
from safecompress_core.sparse.strategy import Grow, Initial, Prune
from safecompress_core.sparse.topology import Topology
from safecompress_core.sparse.update import update_topology
from safecompress_plugins.strategies.gradient_growth import GradientGrowth
from safecompress_plugins.strategies.initial import ErdosRenyi, ErdosRenyiKernel, Uniform
from safecompress_plugins.strategies.manifest import (
    DEFINITIONS,
    GradientGrowthParams,
    MagnitudePruningParams,
    RandomGrowthParams,
    ThresholdPruningParams,
)
from safecompress_plugins.strategies.random_growth import RandomGrowth
from safecompress_plugins.strategies.scored_pruning import MagnitudePruning
from safecompress_plugins.strategies.threshold_pruning import ThresholdPruning

INITIAL = {
    ErdosRenyi: lambda shapes, density: erdos_renyi(shapes, density, kernel=False),
    ErdosRenyiKernel: lambda shapes, density: erdos_renyi(shapes, density, kernel=True),
    Uniform: uniform,
}
SCOPES = ("layer", "global")
PRUNE = {
    **{
        f"magnitude-{scope}": MagnitudePruning(MagnitudePruningParams(scope=scope))
        for scope in SCOPES
    },
    "threshold": ThresholdPruning(ThresholdPruningParams(threshold=0.5)),
}
GROW = {
    **{f"gradient-{scope}": GradientGrowth(GradientGrowthParams(scope=scope)) for scope in SCOPES},
    **{f"random-{scope}": RandomGrowth(RandomGrowthParams(scope=scope)) for scope in SCOPES},
}
SHAPES = {"conv": (6, 3, 3, 3), "fc": (10, 24), "head": (5, 10)}


def seeded(seed: int) -> torch.Generator:
    """A generator with this seed."""
    return torch.Generator().manual_seed(seed)


def random_weights(seed: int) -> dict[str, Tensor]:
    """Standard normal weights of three layers."""
    generator = seeded(seed)
    return {name: torch.randn(shape, generator=generator) for name, shape in SHAPES.items()}


def random_topology(density: float, seed: int = 0) -> Topology:
    """An Erdős–Rényi topology of the three layers."""
    return ErdosRenyiKernel(InitialParams()).topology(
        random_weights(seed), density, inherited=False, generator=seeded(seed)
    )


def bits(*flags: int) -> Tensor:
    """A bool tensor from 0 and 1."""
    return tensor(flags, dtype=torch.bool)


# Manifest


def test_the_manifest_needs_no_torch() -> None:
    """Names and parameters are there without importing torch or numpy."""
    code = (
        "import sys; import safecompress_plugins.strategies.manifest;"
        "assert not {'torch', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": ":".join(sys.path)})


def test_names_are_those_of_the_specs() -> None:
    """Each role has its names, and each definition a summary and a source."""
    names = {role: [d.name for d in DEFINITIONS if d.role is role] for role in Role}

    assert names == {
        Role.INITIAL: ["erdos-renyi", "erdos-renyi-kernel", "uniform", "snip", "grasp"],
        Role.PRUNE: [
            "magnitude",
            "channel",
            "threshold",
            "set",
            "saliency",
            "movement",
            "n-m",
        ],
        Role.GROW: ["gradient", "random", "random-unfired", "momentum", "n-m"],
    }
    assert all(definition.summary and definition.cites for definition in DEFINITIONS)


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda d: f"{d.role}-{d.name}")
def test_targets_are_built_from_default_parameters(definition: StrategyDef) -> None:
    """Every target is importable and takes its parameters, all of which have defaults."""
    part = pkgutil.resolve_name(definition.target)(definition.params())

    expected = {Role.INITIAL: Initial, Role.PRUNE: Prune, Role.GROW: Grow}[definition.role]
    assert isinstance(part, expected)


@pytest.mark.parametrize(
    "values", [{"threshold": 0.0}, {"threshold": -1.0}, {"batches": 0}, {"scope": "model"}]
)
def test_impossible_parameters_are_refused(values: dict[str, object]) -> None:
    """Parameters out of range, and names that mean nothing, do not pass."""
    [(field, _)] = values.items()
    params = next(d.params for d in reversed(DEFINITIONS) if field in d.params.model_fields)

    with pytest.raises(ValidationError):
        params(**values)


# Initial topologies


@pytest.mark.parametrize("rule", INITIAL, ids=lambda rule: rule.__name__)
@given(density=st.floats(0.1, 1.0), seed=st.integers(0, 1000), inherited=st.booleans())
def test_initial_topologies_have_the_counts_of_their_rule(
    rule: type, density: float, seed: int, inherited: bool
) -> None:
    """Whatever the seed, the counts are those that the rule allocates, and so is the total."""
    weights = random_weights(seed)

    topology = rule(InitialParams()).topology(
        weights, density, inherited=inherited, generator=seeded(seed)
    )

    assert topology.active() == INITIAL[rule](SHAPES, density)
    assert topology.total_active == round(density * topology.total)


def test_the_density_is_exact_where_bernoulli_masks_miss_it() -> None:
    """Bernoulli masks were over budget for 11 of 20 seeds in the published code; ours never are."""
    counts = erdos_renyi(SHAPES, 0.1, kernel=True)
    budget = sum(counts.values())

    exact = [random_topology(0.1, seed).total_active for seed in range(20)]
    bernoulli = [
        sum(
            int((torch.rand(shape, generator=generator) < counts[name] / math.prod(shape)).sum())
            for name, shape in SHAPES.items()
        )
        for generator in map(seeded, range(20))
    ]

    assert exact == [budget] * 20
    assert sum(active > budget for active in bernoulli) >= 5, "the draw that was replaced does miss"


def test_random_positions_follow_the_seed() -> None:
    """One seed gives one topology, another seed another, of the same counts."""
    assert random_topology(0.2, 1) == random_topology(0.2, 1)
    assert random_topology(0.2, 1) != random_topology(0.2, 2)


def test_inherited_weights_are_the_largest_of_each_layer() -> None:
    """What stays is what torch's own layer-wise L1 pruning leaves, whatever the seed."""
    weights = random_weights(4)

    topology = Uniform(InitialParams(weights="inherit")).topology(
        weights, 0.3, inherited=True, generator=seeded(0)
    )

    for name, weight in weights.items():
        pruned = weight.numel() - topology.active()[name]
        expected = torch_prune.L1Unstructured(pruned).compute_mask(weight, torch.ones_like(weight))
        assert torch.equal(topology.masks[name], expected.bool())


def test_equal_inherited_weights_are_kept_by_index() -> None:
    """Ties neither change the count nor leave it to chance which weights stay."""
    weights = {"fc": tensor([[1.0, -1.0, 1.0], [1.0, 1.0, -2.0]])}

    topology = Uniform(InitialParams()).topology(weights, 0.5, inherited=True, generator=seeded(0))

    assert topology.masks["fc"].tolist() == [[True, True, False], [False, False, True]]


def test_an_empty_layer_is_refused() -> None:
    """A density at which a layer would have no weight is an error that names the layer."""
    with pytest.raises(TopologyError, match="leaves .*head.* without a single weight"):
        Uniform(InitialParams()).topology(
            random_weights(0), 0.005, inherited=False, generator=seeded(0)
        )


# Pruning


def masked_layer(weight: Tensor, mask: Tensor) -> nn.Module:
    """A layer as torch's own pruning sees it, with this topology."""
    layer = nn.Module()
    layer.weight = nn.Parameter(weight)
    torch_prune.custom_from_mask(layer, "weight", mask)
    return layer


def test_magnitude_drops_what_torch_prunes_layer_by_layer() -> None:
    """The scheduled fraction of each layer goes, the smallest first."""
    weights, topology = random_weights(2), random_topology(0.4)

    dropped = PRUNE["magnitude-layer"].drop(weights, topology, fraction=0.15)

    for name, mask in topology.masks.items():
        layer = masked_layer(weights[name], mask)
        torch_prune.l1_unstructured(layer, "weight", amount=round(0.15 * int(mask.sum())))
        assert torch.equal(dropped[name], mask & ~layer.weight_mask.bool())


def test_magnitude_drops_what_torch_prunes_globally() -> None:
    """With global scope the smallest weights go, whatever layer they are in."""
    topology, weights = random_topology(0.4), random_weights(2)
    weights["fc"] *= 0.5
    layers = {name: masked_layer(weights[name], mask) for name, mask in topology.masks.items()}
    torch_prune.global_unstructured(
        [(layer, "weight") for layer in layers.values()],
        torch_prune.L1Unstructured,
        amount=round(0.2 * topology.total_active),
    )

    dropped = PRUNE["magnitude-global"].drop(weights, topology, fraction=0.2)

    for name, layer in layers.items():
        assert torch.equal(dropped[name], topology.masks[name] & ~layer.weight_mask.bool())


def test_threshold_drops_what_is_under_it_and_nothing_else() -> None:
    """|w| < τ goes, |w| = τ stays, an active zero goes, and what is not active does not count."""
    topology = Topology.from_masks({"fc": bits(1, 1, 1, 1, 1, 0, 0, 0)})
    weights = {"fc": tensor([0.5, -0.49, 0.0, -0.5, 3.0, 0.0, 0.1, 0.0])}

    dropped = PRUNE["threshold"].drop(weights, topology, fraction=0.0)

    assert dropped["fc"].tolist() == bits(0, 1, 1, 0, 0, 0, 0, 0).tolist()


def test_threshold_drops_the_smallest_where_not_all_may_go() -> None:
    """A layer with one inactive place gives up one weight; a thin one keeps its largest."""
    topology = Topology.from_masks({"full": bits(1, 1, 1, 0), "thin": bits(1, 1, 0, 0, 0)})
    weights = {"full": tensor([0.3, 0.1, 0.2, 0.0]), "thin": tensor([-0.2, 0.1, 0.0, 0.0, 0.0])}

    dropped = PRUNE["threshold"].drop(weights, topology, fraction=0.0)

    assert dropped["full"].tolist() == [False, True, False, False]
    assert dropped["thin"].tolist() == [False, True, False, False, False]


@pytest.mark.parametrize("scope", SCOPES)
def test_a_dense_layer_is_left_alone(scope: str) -> None:
    """A layer without an inactive place loses nothing, however small its weights are."""
    topology = Topology.from_masks({"dense": bits(1, 1, 1), "sparse": bits(1, 1, 1, 0, 0, 0)})
    weights = {"dense": torch.zeros(3), "sparse": torch.ones(6)}

    dropped = PRUNE[f"magnitude-{scope}"].drop(weights, topology, fraction=0.5)

    assert {name: int(mask.sum()) for name, mask in dropped.items()} == {
        "dense": 0,
        "sparse": 2,
    }


# Growing


def test_growing_by_gradient_picks_the_largest_inactive_gradients() -> None:
    """Active weights never count, however large their gradient; signs do not matter."""
    topology = Topology.from_masks({"fc": bits(1, 1, 0, 0, 0)})
    gradients = {"fc": tensor([9.0, 9.0, 0.1, -0.3, 0.2])}

    grown = GROW["gradient-layer"].grow(
        topology, {"fc": 2}, gradients=gradients, generator=seeded(0)
    )

    assert grown["fc"].tolist() == [False, False, False, True, True]


@pytest.mark.parametrize("scope", SCOPES)
def test_growth_is_not_sorted_ascending(scope: str) -> None:
    """The published code grew the smallest gradients; on a network's own, we grow the largest."""
    inputs, labels = load_digits(return_X_y=True)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = nn.Sequential(nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, 10)).double()
    loss = nn.functional.cross_entropy(network(tensor(inputs / 16)), tensor(labels))
    layers = {"fc1": network[0].weight, "fc2": network[2].weight}
    gradients = dict(zip(layers, torch.autograd.grad(loss, layers.values()), strict=True))
    topology = Uniform(InitialParams()).topology(layers, 0.2, inherited=False, generator=seeded(0))

    grown = GROW[f"gradient-{scope}"].grow(
        topology, {"fc1": 40, "fc2": 5}, gradients=gradients, generator=seeded(0)
    )

    groups = [["fc1"], ["fc2"]] if scope == "layer" else [["fc1", "fc2"]]
    for names in groups:
        size = torch.cat([gradients[name].abs().flatten() for name in names])
        chosen = torch.cat([grown[name].flatten() for name in names])
        inactive = ~torch.cat([topology.masks[name].flatten() for name in names])
        count = 45 if scope == "global" else {"fc1": 40, "fc2": 5}[names[0]]
        order = torch.where(inactive, size, -1.0).numpy().argsort()
        assert set(chosen.nonzero().flatten().tolist()) == set(order[-count:].tolist())
        assert size[chosen].min() >= size[inactive & ~chosen].max()


def test_gradient_batches_are_what_the_spec_says() -> None:
    """The engine reads from the rule over how many batches it wants the gradient."""
    assert GradientGrowth(GradientGrowthParams(batches=4)).gradient_batches == 4
    assert GROW["gradient-layer"].gradient_batches == 1
    assert GROW["random-layer"].gradient_batches == 0


def test_random_growth_follows_the_seed() -> None:
    """One seed grows one set, another seed another."""
    topology = random_topology(0.2)
    counts = {"conv": 10, "fc": 10, "head": 5}

    def grown(seed: int) -> dict[str, Tensor]:
        return dict(
            GROW["random-layer"].grow(topology, counts, gradients=None, generator=seeded(seed))
        )

    assert all(torch.equal(mask, grown(1)[name]) for name, mask in grown(1).items())
    assert any(not torch.equal(mask, grown(2)[name]) for name, mask in grown(1).items())


@pytest.mark.parametrize("rule", GROW)
def test_scope_says_where_the_counts_hold(rule: str) -> None:
    """Layer scope gives back each layer's own loss; global scope only the total."""
    topology = random_topology(0.2)
    counts = {"conv": 20, "fc": 0, "head": 0}

    grown = GROW[rule].grow(topology, counts, gradients=random_weights(5), generator=seeded(0))

    found = {name: int(mask.sum()) for name, mask in grown.items()}
    assert sum(found.values()) == 20
    assert (found == counts) is rule.endswith("layer")


def test_gradient_growth_without_gradients_says_so() -> None:
    """Called by hand without gradients, it names what is missing."""
    with pytest.raises(TopologyError, match="needs gradients"):
        GROW["gradient-layer"].grow(
            random_topology(0.2), {"fc": 1}, gradients=None, generator=seeded(0)
        )


# Whole updates


@pytest.mark.parametrize("prune", PRUNE)
@pytest.mark.parametrize("grow", GROW)
@given(density=st.floats(0.05, 0.98), fraction=st.floats(0.0, 1.0), seed=st.integers(0, 1000))
def test_every_pair_keeps_the_density_exactly(
    prune: str, grow: str, density: float, fraction: float, seed: int
) -> None:
    """Three updates in a row, at any density: same total, no layer emptied, caps kept."""
    topology, generator = random_topology(density, seed), seeded(seed)
    for step in range(3):
        update = update_topology(
            random_weights(seed + step),
            topology,
            prune=PRUNE[prune],
            grow=GROW[grow],
            fraction=fraction,
            gradients=random_weights(seed + step + 7),
            generator=generator,
        )
        assert update.topology.total_active == topology.total_active
        assert min(update.topology.active().values()) > 0
        for name, limit in topology.replaceable().items():
            assert int(update.dropped[name].sum()) <= limit
        if grow.endswith("layer"):
            assert update.topology.active() == topology.active()
        if prune == "magnitude-layer":
            wanted = {name: round(fraction * n) for name, n in topology.active().items()}
            dropped = {name: int(mask.sum()) for name, mask in update.dropped.items()}
            assert dropped == {
                name: min(wanted[name], limit) for name, limit in topology.replaceable().items()
            }
        topology = update.topology
