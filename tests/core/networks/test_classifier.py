"""A classifier: logits, the representation before them, and the weights that may be thinned out."""

import copy

import pytest
import torch
from torch import nn

from safecompress_core.errors import TopologyError
from safecompress_core.networks.classifier import Classifier


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


class Backwards(nn.Module):
    """Its last layer is registered first, and a block writes in place."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(5, 3)
        self.convolution = nn.Conv2d(1, 2, 3)
        self.relu = nn.ReLU(inplace=True)
        self.first = nn.Linear(2 * 4, 5)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        hidden = self.relu(self.convolution(inputs)).flatten(1)
        return self.last(self.first(hidden))  # type: ignore[no-any-return]


def test_the_head_is_found_by_what_it_puts_out() -> None:
    """Not by where the module registers it; the mode stays as it was."""
    module = Backwards().train()
    sample = torch.rand(1, 1, 4, 4)

    assert Classifier(module, sample=sample).head is module.last
    assert Classifier(module).head is module.first
    assert module.training


def test_any_module_can_be_the_representation() -> None:
    """Its output as it was when put out, flat; last-layer gradients still have the head's input."""
    module, inputs = Backwards(), torch.rand(6, 1, 4, 4)
    network = Classifier(module, sample=inputs[:1], representation="convolution")
    seen = network.forward_with_representation(inputs)

    assert network.width == 2 * 4
    assert torch.equal(seen.representation, module.convolution(inputs).flatten(1))
    assert torch.equal(seen.logits, module.last(seen.last_input))
    twin = copy.deepcopy(network)
    assert torch.equal(twin.represent(inputs)[1], seen.representation)


def test_of_a_sequence_the_first_position_is_the_representation() -> None:
    """Encoders summarise the sequence there."""
    module = nn.Sequential(nn.Linear(3, 4), nn.Flatten(), nn.Linear(8, 2))
    inputs = torch.rand(5, 2, 3)
    network = Classifier(module, sample=inputs[:1], representation="0")

    assert torch.equal(network.represent(inputs)[1], module[0](inputs)[:, 0])


def test_a_representation_that_is_not_there_is_refused() -> None:
    """With the modules that there are."""
    with pytest.raises(TopologyError, match="no module 'pooler'; it has: last, convolution"):
        Classifier(Backwards(), representation="pooler")


def test_logits_of_a_convolution_are_refused() -> None:
    """As in SqueezeNet: gradients of the last layer are implemented for linear layers."""
    module = nn.Sequential(
        nn.Linear(4, 4), nn.Conv2d(1, 3, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
    with pytest.raises(TopologyError, match="come from no linear layer"):
        Classifier(module, sample=torch.rand(1, 1, 4, 4))
