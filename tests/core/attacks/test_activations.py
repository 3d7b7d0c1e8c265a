"""Neurons of any layer, read sample by sample."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from safecompress_core.api import Access
from safecompress_core.attacks.activations import layer_of
from safecompress_core.attacks.observations import observe
from safecompress_core.data.dataset import Dataset
from safecompress_core.errors import AccessError, TopologyError
from safecompress_core.networks.classifier import Classifier

Build = Callable[[], Classifier]


def test_the_neurons_of_a_layer_are_what_it_puts_out(
    classifier: Build, all_digits: Dataset
) -> None:
    """Batch after batch, by module or by one of its parameters; dropout is off."""
    network = classifier()
    inputs = all_digits.inputs[:25]
    seen = observe(network, inputs, all_digits.labels[:25], batch_size=10)

    assert isinstance(network.module, nn.Sequential)
    with torch.no_grad():
        first = network.module[0](inputs)
    torch.testing.assert_close(seen.activations("0"), first)
    assert torch.equal(seen.activations("0.weight"), seen.activations("0"))
    torch.testing.assert_close(seen.activations("1"), first.relu())
    torch.testing.assert_close(seen.activations("2"), seen.hidden)
    torch.testing.assert_close(seen.activations("3"), seen.logits)


def test_they_are_those_of_the_network_as_it_was_observed(
    classifier: Build, all_digits: Dataset
) -> None:
    """Training on changes nothing; a part of the samples has the same rows."""
    network = classifier()
    seen = observe(network, all_digits.inputs[:9], all_digits.labels[:9])
    with torch.no_grad():
        before = network.module.get_submodule("0")(all_digits.inputs[:9])
        for parameter in network.parameters():
            parameter.zero_()

    torch.testing.assert_close(seen.take(torch.tensor([8, 2])).activations("0"), before[[8, 2]])
    assert not network.module.get_submodule("0")._forward_hooks


def test_a_channel_is_one_neuron(all_digits: Dataset) -> None:
    """In the mean over its positions."""
    torch.manual_seed(18)
    conv = nn.Conv2d(1, 5, 3)
    network = Classifier(nn.Sequential(conv, nn.ReLU(), nn.Flatten(), nn.Linear(180, 10)))
    images = all_digits.inputs[:4].reshape(4, 1, 8, 8)

    found = observe(network, images, all_digits.labels[:4]).activations("0")

    with torch.no_grad():
        torch.testing.assert_close(found, conv(images).mean(dim=(2, 3)))


def test_a_sequence_is_read_in_the_mean_over_its_positions(all_digits: Dataset) -> None:
    """Eight rows of an image, one after another."""
    torch.manual_seed(18)
    rows = nn.Linear(8, 6)
    network = Classifier(nn.Sequential(rows, nn.Flatten(), nn.Linear(48, 10)))
    sequences = all_digits.inputs[:4].reshape(4, 8, 8)

    found = observe(network, sequences, all_digits.labels[:4]).activations("0")

    with torch.no_grad():
        torch.testing.assert_close(found, rows(sequences).mean(dim=1))


def test_they_need_white_box_access(classifier: Build, all_digits: Dataset) -> None:
    """Queries and answers show none."""
    seen = observe(classifier(), all_digits.inputs[:3], all_digits.labels[:3])

    with pytest.raises(AccessError, match="'activations' needs white-box access"):
        seen.restrict(Access.GRAY_BOX).activations("0")


def test_a_layer_that_is_not_there_is_named(classifier: Build) -> None:
    """Neither module nor parameter, though its first part is a module."""
    for name in ("conv", "0.scale"):
        with pytest.raises(TopologyError, match=f"no parameter '{name}'"):
            layer_of(classifier(), name)
