"""What the rules drop that look at signs or gradients."""

import copy

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn, tensor

from safecompress_core.api import Params
from safecompress_core.errors import TopologyError
from safecompress_core.sparse.topology import Topology
from safecompress_plugins.strategies.manifest import (
    ChannelPruningParams,
    MovementPruningParams,
    SaliencyPruningParams,
)
from safecompress_plugins.strategies.scored_pruning import (
    ChannelPruning,
    MovementPruning,
    SaliencyPruning,
)
from safecompress_plugins.strategies.sign_pruning import SignPruning


def topology(*bits: int) -> Topology:
    """One layer."""
    return Topology.from_masks({"fc": tensor(bits)})


def positions(mask: Tensor) -> list[int]:
    """Where a mask is True."""
    return mask.nonzero().flatten().tolist()


# Mocanu's signs


def test_set_drops_a_share_of_either_sign() -> None:
    """Half of four positive and half of two negative weights, by hand: those nearest to 0.

    By magnitude alone the three smallest would go, which are all positive.
    """
    weights = {"fc": tensor([0.1, 0.2, 0.3, 4.0, -5.0, -6.0, 0.0, 0.0, 0.0, 0.0])}

    dropped = SignPruning(Params()).drop(
        weights, topology(1, 1, 1, 1, 1, 1, 0, 0, 0, 0), fraction=0.5
    )

    assert positions(dropped["fc"]) == [0, 1, 4]


def test_set_drops_an_active_zero_first() -> None:
    """A grown weight that training left at 0 has no sign, and is the nearest to 0 there is."""
    weights = {"fc": tensor([0.1, 0.0, -0.1, -0.2, 0.0, 0.0, 0.0])}

    dropped = SignPruning(Params()).drop(weights, topology(1, 1, 1, 1, 0, 0, 0), fraction=0.5)

    assert positions(dropped["fc"]) == [1, 2]


def test_set_stays_within_what_a_layer_may_lose() -> None:
    """One inactive place: of the two that either share asks for, the smaller one goes."""
    weights = {"fc": tensor([0.3, 0.4, -0.1, -0.2, 0.0])}

    dropped = SignPruning(Params()).drop(weights, topology(1, 1, 1, 1, 0), fraction=0.5)

    assert positions(dropped["fc"]) == [2]


# Channels


def test_channels_go_whole_and_the_smallest_norm_first() -> None:
    """Of norms 6, 3, 9 and 2: two whole channels, and a part of the third to keep the count."""
    weight = tensor([[1.0, 2, 3, 0], [1, 1, 1, 0], [3, 3, 3, 0], [-2, 0, 0, 0]])
    known = Topology.from_masks({"fc": weight != 0})

    dropped = ChannelPruning(ChannelPruningParams()).drop({"fc": weight}, known, fraction=0.5)

    assert dropped["fc"].sum(dim=1).tolist() == [1, 3, 0, 1]


def test_channels_of_all_layers_are_compared_with_their_layers_mean() -> None:
    """A layer of small weights does not lose all of its channels for that."""
    small, large = tensor([[0.1, 0.1, 0], [0.1, 0.0, 0]]), tensor([[9.0, 9, 0], [1, 1, 0]])
    weights = {"small": small, "large": large}
    known = Topology.from_masks({name: weight != 0 for name, weight in weights.items()})
    rule = ChannelPruning(ChannelPruningParams(scope="global"))

    dropped = rule.drop(weights, known, fraction=2 / 7)

    assert {name: int(mask.sum()) for name, mask in dropped.items()} == {"small": 0, "large": 2}
    assert dropped["large"][1].tolist() == [True, True, False]


def test_pruning_by_channels_leaves_dead_ones() -> None:
    """A digit classifier loses half of its weights, and with them about half of its neurons."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(64, 60), nn.ReLU(), nn.Linear(60, 10))
    weights = {"0.weight": module[0].weight.detach(), "2.weight": module[2].weight.detach()}
    start = Topology.from_masks({name: torch.rand(w.shape) < 0.5 for name, w in weights.items()})
    with torch.no_grad():
        for name, mask in start.masks.items():
            weights[name].mul_(mask)

    dropped = ChannelPruning(ChannelPruningParams()).drop(weights, start, fraction=0.5)

    left = start.masks["0.weight"] & ~dropped["0.weight"]
    assert 25 <= int((~left.any(dim=1)).sum()) <= 35


# Gradients


def test_saliency_is_what_taking_a_weight_away_does_to_the_loss() -> None:
    """On real digits: to first order, which for tiny weights is nearly the change itself.

    The loss is evaluated anew without each of the active weights; those whose removal changes it
    least are the ones that go.
    """
    data = load_digits()
    inputs, labels = tensor(data.data[:200] / 16), tensor(data.target[:200])
    generator = torch.Generator().manual_seed(0)
    layer = nn.Linear(64, 10, bias=False).double()
    with torch.no_grad():
        layer.weight.copy_(1e-3 * torch.randn(10, 64, generator=generator, dtype=torch.float64))
    mask = torch.rand(10, 64, generator=generator) < 0.2
    layer.weight.data.mul_(mask)
    loss = nn.functional.cross_entropy(layer(inputs), labels)
    [gradient] = torch.autograd.grad(loss, [layer.weight])

    dropped = SaliencyPruning(SaliencyPruningParams()).drop(
        {"fc": layer.weight.detach()},
        Topology.from_masks({"fc": mask}),
        fraction=0.3,
        gradients={"fc": gradient},
    )["fc"]

    change = {}
    for row, column in mask.nonzero().tolist():
        without = copy.deepcopy(layer)
        without.weight.data[row, column] = 0
        with torch.no_grad():
            after = nn.functional.cross_entropy(without(inputs), labels)
        change[row, column] = abs(float(after) - float(loss.detach()))
    least = sorted(change, key=lambda one: change[one])[: round(0.3 * int(mask.sum()))]
    assert {tuple(one) for one in dropped.nonzero().tolist()} == set(least)


def test_movement_drops_what_a_gradient_step_brings_to_zero() -> None:
    """Signs matter: 0.5 with a gradient of 2 shrinks, −0.5 with it grows; size alone does not."""
    weights = {"fc": tensor([0.5, -0.5, 3.0, -3.0, 0.0, 0.0, 0.0])}
    gradients = {"fc": tensor([2.0, 2.0, 0.1, -0.1, 9.0, 9.0, 9.0])}

    dropped = MovementPruning(MovementPruningParams()).drop(
        weights, topology(1, 1, 1, 1, 0, 0, 0), fraction=0.25, gradients=gradients
    )
    kept = SaliencyPruning(SaliencyPruningParams()).drop(
        weights, topology(1, 1, 1, 1, 0, 0, 0), fraction=0.5, gradients=gradients
    )

    assert positions(dropped["fc"]) == [0]
    assert positions(kept["fc"]) == [2, 3], "the loss depends on them least, wherever they move"


@pytest.mark.parametrize(
    "rule",
    [SaliencyPruning(SaliencyPruningParams()), MovementPruning(MovementPruningParams(batches=9))],
)
def test_without_gradients_they_say_so(rule: SaliencyPruning | MovementPruning) -> None:
    """Called by hand without gradients, they name what is missing; the engine is told how many."""
    with pytest.raises(TopologyError, match="needs gradients"):
        rule.drop({"fc": torch.ones(3)}, topology(1, 1, 0), fraction=0.5)
    assert rule.gradient_batches in (4, 9)
