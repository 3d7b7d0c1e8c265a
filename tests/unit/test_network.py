"""A classifier: logits, the representation before them, and the weights that may be thinned out."""

import copy

import pytest
import torch
from torch import nn

from safecompress_core.errors import TopologyError
from safecompress_core.network import Classifier


def convolutional() -> nn.Module:
    """Convolution, batch normalisation, two linear layers."""
    return nn.Sequential(
        nn.Conv2d(1, 3, 3),
        nn.BatchNorm2d(3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(3 * 36, 6),
        nn.ReLU(),
        nn.Linear(6, 4),
    )


def test_the_representation_is_what_the_last_linear_layer_is_given() -> None:
    """From the same forward pass as the logits."""
    network = Classifier(convolutional()).eval()
    inputs = torch.rand(5, 1, 8, 8)
    calls: list[int] = []
    network.module.register_forward_hook(lambda *_: calls.append(1))

    logits, representation = network.represent(inputs)

    assert representation.shape == (5, 6)
    assert torch.equal(logits, network.head(representation))
    assert torch.equal(logits, network.module(inputs))
    assert len(calls) == 2


def test_no_hook_is_left_behind_even_by_an_error() -> None:
    """Otherwise each failed pass would keep its samples."""
    network = Classifier(nn.Sequential(nn.Linear(3, 2)))

    network.represent(torch.rand(1, 3))
    with pytest.raises(RuntimeError):
        network.represent(torch.rand(1, 7))

    assert not network.head._forward_pre_hooks


def test_gradients_reach_what_is_before_the_representation() -> None:
    """A defence that acts on it trains the layers below."""
    network = Classifier(convolutional())

    _, representation = network.represent(torch.rand(5, 1, 8, 8))
    representation.sum().backward()

    first = network.module[0].weight  # type: ignore[index]
    assert first.grad is not None
    assert first.grad.count_nonzero() > 0


def test_weights_of_linear_and_convolution_layers_may_be_thinned_out() -> None:
    """Biases and batch normalisation stay; names are those of the state."""
    network = Classifier(convolutional())
    parameters = network.sparse_parameters()

    assert {name: tuple(weight.shape) for name, weight in parameters.items()} == {
        "0.weight": (3, 1, 3, 3),
        "4.weight": (6, 108),
        "6.weight": (4, 6),
    }
    assert set(parameters) < set(network.state())
    assert all(parameter.requires_grad for parameter in parameters.values())
    assert not any(tensor.requires_grad for tensor in network.state().values())
    assert "1.running_mean" in network.state()


def test_a_network_of_one_layer_is_named_as_in_its_state() -> None:
    """Without a leading dot."""
    network = Classifier(nn.Linear(3, 2))

    assert list(network.sparse_parameters()) == ["weight"]
    assert set(network.state()) == {"weight", "bias"}


def test_tied_weights_are_thinned_out_once() -> None:
    """Two masks on one tensor would multiply."""
    module = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    module[1].weight = module[0].weight

    assert list(Classifier(module).sparse_parameters()) == ["0.weight"]


def test_a_copy_has_a_head_of_its_own() -> None:
    """It reads its own representation, not the original's."""
    network = Classifier(nn.Sequential(nn.Linear(3, 2)))
    twin = copy.deepcopy(network)

    assert twin.head is not network.head
    assert twin.head is twin.module[0]  # type: ignore[index]
    assert len(list(twin.parameters())) == 2


def test_a_network_without_a_linear_layer_is_refused() -> None:
    """It has no representation that could be attacked."""
    with pytest.raises(TopologyError, match="no linear layer, so it has no representation"):
        Classifier(nn.Conv2d(1, 2, 3))
