"""A bound network stays sparse whatever trains it, and however its state is moved about."""

import copy
from collections.abc import Callable

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn.utils import prune
from torch.optim import SGD, Adam, AdamW, Optimizer

from safecompress_core.errors import TopologyError
from safecompress_core.sparse.masking import SparseBinding
from safecompress_core.sparse.topology import Topology
from safecompress_core.sparse.update import TopologyUpdate

OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    "sgd": lambda parameters: SGD(parameters, lr=0.1),
    "momentum": lambda parameters: SGD(parameters, lr=0.1, momentum=0.9),
    "adam": lambda parameters: Adam(parameters, lr=0.01),
    "amsgrad": lambda parameters: Adam(parameters, lr=0.01, amsgrad=True),
    "fused": lambda parameters: Adam(parameters, lr=0.01, weight_decay=0.1, fused=True),
    "decay": lambda parameters: AdamW(parameters, lr=0.01, weight_decay=0.1),
}
LAYERS = {"fc1": 0, "fc2": 2}


@pytest.fixture(scope="module")
def digits() -> tuple[Tensor, Tensor]:
    """The first 256 handwritten digits, in double precision."""
    inputs, labels = load_digits(return_X_y=True)
    return torch.tensor(inputs[:256] / 16), torch.tensor(labels[:256])


@pytest.fixture
def network() -> nn.Sequential:
    """A small perceptron, the same for every test."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(64, 12), nn.Tanh(), nn.Linear(12, 10)).double()


@pytest.fixture(scope="module")
def topology() -> Topology:
    """About a third of the weights, at random."""
    generator = torch.Generator().manual_seed(1)
    shapes = {"fc1": (12, 64), "fc2": (10, 12)}
    return Topology.from_masks(
        {name: torch.rand(shape, generator=generator) < 0.3 for name, shape in shapes.items()}
    )


def weights_of(network: nn.Sequential) -> dict[str, nn.Parameter]:
    """The weights of both linear layers."""
    return {name: network[index].weight for name, index in LAYERS.items()}


def train(network: nn.Module, optimizer: Optimizer, digits: tuple[Tensor, Tensor], n: int) -> None:
    """Full-batch steps on cross-entropy."""
    for _ in range(n):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(digits[0]), digits[1]).backward()
        optimizer.step()


def outside(topology: Topology, tensors: dict[str, Tensor]) -> int:
    """How many numbers are not zero where the topology has no weight."""
    return sum(int(tensors[name][~mask].count_nonzero()) for name, mask in topology.masks.items())


def moments(optimizer: Optimizer, weights: dict[str, nn.Parameter]) -> list[dict[str, Tensor]]:
    """Every tensor of the optimizer's state that has its weight's shape, grouped by kind."""
    kinds = {
        kind
        for weight in weights.values()
        for kind, value in optimizer.state[weight].items()
        if isinstance(value, Tensor) and value.shape == weight.shape
    }
    return [{n: optimizer.state[w][kind] for n, w in weights.items()} for kind in sorted(kinds)]


def one_swap(topology: Topology) -> TopologyUpdate:
    """Drops the first active weight of fc2 and grows its first inactive one."""
    mask = topology.masks["fc2"]
    dropped, grown = torch.zeros_like(mask), torch.zeros_like(mask)
    dropped.view(-1)[mask.flatten().nonzero()[0]] = True
    grown.view(-1)[(~mask).flatten().nonzero()[0]] = True
    changes = {"fc2": dropped}, {"fc2": grown}
    return TopologyUpdate(topology=topology.replace(*changes), dropped=changes[0], grown=changes[1])


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_training_is_that_of_torch_prune(
    kind: str, network: nn.Sequential, topology: Topology, digits: tuple[Tensor, Tensor]
) -> None:
    """After 20 steps the weights are those of torch's own pruning reparametrisation."""
    reference = copy.deepcopy(network)
    for name, index in LAYERS.items():
        prune.custom_from_mask(reference[index], "weight", topology.masks[name])
    optimizer = OPTIMIZERS[kind](network.parameters())
    SparseBinding(optimizer, weights_of(network), topology)

    train(network, optimizer, digits, 20)
    train(reference, OPTIMIZERS[kind](reference.parameters()), digits, 20)

    for name, weight in weights_of(network).items():
        layer = reference[LAYERS[name]]
        # Its `weight` is from before the last step; these two are what it is made of.
        torch.testing.assert_close(weight.data, (layer.weight_orig * layer.weight_mask).data)


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_weights_and_moments_are_zero_outside_the_topology(
    kind: str, network: nn.Sequential, topology: Topology, digits: tuple[Tensor, Tensor]
) -> None:
    """Nothing is left where there is no weight: neither a value nor a moment."""
    optimizer = OPTIMIZERS[kind](network.parameters())
    weights = weights_of(network)
    SparseBinding(optimizer, weights, topology)
    assert outside(topology, weights) == 0, "masked as soon as it is bound"

    train(network, optimizer, digits, 3)

    expected = {"sgd": 0, "momentum": 1, "amsgrad": 3}.get(kind, 2)
    assert len(moments(optimizer, weights)) == expected
    assert [outside(topology, moment) for moment in moments(optimizer, weights)] == [0] * expected
    assert outside(topology, weights) == 0


def test_masks_and_not_zeros_define_the_topology(
    network: nn.Sequential, topology: Topology, digits: tuple[Tensor, Tensor]
) -> None:
    """Active weights that happen to be 0 stay active and learn."""
    optimizer = SGD(network.parameters(), lr=0.1)
    SparseBinding(optimizer, weights_of(network), topology)
    network[2].weight.data.zero_()

    train(network, optimizer, digits, 2)

    assert bool(network[2].weight[topology.masks["fc2"]].all())


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_retopologise_starts_grown_weights_afresh(
    kind: str, network: nn.Sequential, topology: Topology, digits: tuple[Tensor, Tensor]
) -> None:
    """Dropped and grown weights and their moments are zero; all others are as they were."""
    optimizer = OPTIMIZERS[kind](network.parameters())
    weights = weights_of(network)
    binding = SparseBinding(optimizer, weights, topology)
    train(network, optimizer, digits, 3)
    before = weights["fc2"].detach().clone()
    update = one_swap(topology)
    dropped, grown = update.dropped["fc2"], update.grown["fc2"]
    # What must not survive, wherever it may have come from.
    weights["fc2"].data[grown] = 7.0
    for moment in moments(optimizer, weights):
        moment["fc2"][grown] = 7.0

    binding.set_topology(topology, update)

    for tensor in (weights["fc2"].data, *(m["fc2"] for m in moments(optimizer, weights))):
        assert not bool(tensor[dropped | grown].any())
    kept = ~(dropped | grown)
    assert torch.equal(weights["fc2"][kept], before[kept])
    train(network, optimizer, digits, 1)
    assert bool(weights["fc2"][grown].all()), "a grown weight learns"
    assert outside(update.topology, weights) == 0


def test_an_update_of_another_topology_is_refused(
    network: nn.Sequential, topology: Topology
) -> None:
    """An update is applied once: a second time it starts from the wrong topology."""
    binding = SparseBinding(SGD(network.parameters()), weights_of(network), topology)
    update = one_swap(topology)
    binding.set_topology(topology, update)

    with pytest.raises(TopologyError, match="not active"):
        binding.set_topology(update.topology, update)


def test_an_update_that_belongs_to_another_run_is_refused(
    network: nn.Sequential, topology: Topology
) -> None:
    """Its changes would fit by chance, but lead to another topology than it says."""
    binding = SparseBinding(SGD(network.parameters()), weights_of(network), topology)
    update = one_swap(topology)
    foreign = TopologyUpdate(
        topology=one_swap(update.topology).topology, dropped=update.dropped, grown=update.grown
    )

    with pytest.raises(TopologyError, match="starts from another topology"):
        binding.set_topology(topology, foreign)


def test_a_deep_copy_of_the_whole_training_state_is_bound_to_its_own_parts(
    network: nn.Sequential, topology: Topology, digits: tuple[Tensor, Tensor]
) -> None:
    """The copy trains sparsely, as the original would have, and leaves the original alone."""
    optimizer = Adam(network.parameters(), lr=0.01)
    state = {"binding": SparseBinding(optimizer, weights_of(network), topology)}
    state |= {"network": network, "optimizer": optimizer}
    train(network, optimizer, digits, 2)
    before = copy.deepcopy(network.state_dict())

    twin = copy.deepcopy(state)
    twin["binding"].set_topology(topology, one_swap(topology))
    train(twin["network"], twin["optimizer"], digits, 3)

    assert outside(one_swap(topology).topology, weights_of(twin["network"])) == 0
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    again = copy.deepcopy(state)
    train(again["network"], again["optimizer"], digits, 3)
    train(network, optimizer, digits, 3)
    assert torch.equal(again["network"][0].weight, network[0].weight)


def test_a_binding_is_rebuilt_after_state_dicts_are_restored(
    network: nn.Sequential, topology: Topology, digits: tuple[Tensor, Tensor]
) -> None:
    """State dicts and a new binding are all that training needs to go on as before."""
    optimizer = Adam(network.parameters(), lr=0.01)
    SparseBinding(optimizer, weights_of(network), topology)
    train(network, optimizer, digits, 2)
    saved = copy.deepcopy((network.state_dict(), optimizer.state_dict()))
    train(network, optimizer, digits, 2)

    restored = copy.deepcopy(network)
    restored.load_state_dict(saved[0])
    fresh = Adam(restored.parameters(), lr=0.01)
    fresh.load_state_dict(saved[1])
    SparseBinding(fresh, weights_of(restored), topology)
    train(restored, fresh, digits, 2)

    assert torch.equal(restored[0].weight, network[0].weight)


def test_loading_optimizer_state_keeps_the_binding(
    network: nn.Sequential, topology: Topology, digits: tuple[Tensor, Tensor]
) -> None:
    """Moments of a dense training are masked as soon as they are loaded."""
    dense, optimizer = copy.deepcopy(network), Adam(network.parameters(), lr=0.01)
    SparseBinding(optimizer, weights_of(network), topology)
    unmasked = Adam(dense.parameters(), lr=0.01)
    train(dense, unmasked, digits, 2)

    optimizer.load_state_dict(unmasked.state_dict())

    assert [outside(topology, m) for m in moments(optimizer, weights_of(network))] == [0, 0]


def test_a_layer_without_gradient_stays_as_it_is(
    network: nn.Sequential, topology: Topology, digits: tuple[Tensor, Tensor]
) -> None:
    """It took no part in the loss, or is frozen."""
    optimizer = Adam(network.parameters(), lr=0.01)
    SparseBinding(optimizer, weights_of(network), topology)
    network[0].weight.requires_grad_(False)
    before = network[0].weight.detach().clone()

    train(network, optimizer, digits, 1)

    assert torch.equal(network[0].weight, before)
    assert outside(topology, weights_of(network)) == 0


def test_two_bindings_on_one_optimizer_are_refused(
    network: nn.Sequential, topology: Topology
) -> None:
    """Two masks would silently multiply; after a release there is room for another."""
    optimizer = SGD(network.parameters())
    first = SparseBinding(optimizer, weights_of(network), topology)

    with pytest.raises(TopologyError, match="bound already"):
        SparseBinding(optimizer, weights_of(network), topology)
    first.release()
    SparseBinding(optimizer, weights_of(network), topology)


def test_a_released_optimizer_trains_densely(
    network: nn.Sequential, topology: Topology, digits: tuple[Tensor, Tensor]
) -> None:
    """After a release no mask is applied any more."""
    optimizer = SGD(network.parameters(), lr=0.1)
    SparseBinding(optimizer, weights_of(network), topology).release()

    train(network, optimizer, digits, 1)

    assert outside(topology, weights_of(network)) > 0


def test_parameters_must_fit_the_topology(network: nn.Sequential, topology: Topology) -> None:
    """A topology of another network is refused by name."""
    with pytest.raises(TopologyError, match="fc2: the parameters lack this layer"):
        SparseBinding(SGD(network.parameters()), {"fc1": network[0].weight}, topology)
