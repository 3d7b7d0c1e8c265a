"""Gradients of any layer, one a sample, beside one backward pass a sample."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from safecompress_core.api import Access
from safecompress_core.attacks import gradients
from safecompress_core.attacks.gradients import layer_parameters, per_sample_gradients
from safecompress_core.attacks.observations import observe
from safecompress_core.data.dataset import Dataset
from safecompress_core.errors import AccessError, TopologyError
from safecompress_core.networks.classifier import Classifier
from safecompress_core.sparse.topology import Topology

Build = Callable[[], Classifier]


def convolutional() -> Classifier:
    """Two convolutions with batch normalisation and dropout over 8 × 8 all_digits, in double."""
    torch.manual_seed(18)
    network = nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Sequential(nn.Conv2d(4, 6, 3), nn.ReLU(), nn.Dropout(0.5)),
        nn.Flatten(),
        nn.Linear(24, 10),
    )
    return Classifier(network).double()


def by_backward(network: Classifier, inputs: Tensor, labels: Tensor, layer: str) -> Tensor:
    """The slow reference: each sample run alone, backward through everything."""
    rows = []
    for sample, label in zip(inputs, labels, strict=True):
        network.zero_grad()
        nn.functional.cross_entropy(network(sample[None]), label[None]).backward()
        found = [p.grad for p in layer_parameters(network, layer).values() if p.grad is not None]
        rows.append(torch.cat([gradient.flatten() for gradient in found]))
    return torch.stack(rows)


@pytest.mark.parametrize("layer", ["1", "1.weight", "2", "5", "5.0.bias", "7"])
def test_gradients_equal_one_backward_pass_a_sample(layer: str, all_digits: Dataset) -> None:
    """To 1e-9 in double precision: of single parameters, of layers, of modules of several."""
    network = convolutional()
    with torch.no_grad():  # so that batch normalisation has something to do
        network(all_digits.inputs[:100].double())
    network.eval()
    inputs, labels = all_digits.inputs[:20].double(), all_digits.labels[:20]

    found = per_sample_gradients(network, inputs, labels, layer=layer)

    expected = by_backward(network, inputs, labels, layer)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)
    assert expected.abs().max() > 1e-3


def test_gradients_equal_those_of_opacus(all_digits: Dataset) -> None:
    """A library for differentially private training, whose gradients come from hooks."""
    opacus = pytest.importorskip("opacus")
    network = convolutional()
    # opacus takes no layer with buffers, none that writes into its input, and no eval mode
    network.module[2] = nn.GroupNorm(2, 4).double()
    network.module[3] = nn.ReLU()
    network.module[5][2] = nn.Identity()
    inputs, labels = all_digits.inputs[:20].double(), all_digits.labels[:20]
    layers = [name for name, _ in network.module.named_parameters()]
    found = {name: per_sample_gradients(network, inputs, labels, layer=name) for name in layers}

    wrapped = opacus.GradSampleModule(network.module, loss_reduction="sum")
    nn.functional.cross_entropy(
        wrapped(inputs.requires_grad_()), labels, reduction="sum"
    ).backward()

    theirs = {name: p.grad_sample.flatten(1) for name, p in network.module.named_parameters()}
    for name in layers:
        torch.testing.assert_close(found[name], theirs[name], rtol=0, atol=1e-9)


def test_weights_that_do_not_exist_have_no_gradient(classifier: Build, all_digits: Dataset) -> None:
    """Masks say which those are: an active weight of value 0 has a column, like any other."""
    network = classifier().eval()
    mask = torch.rand(32, 64, generator=torch.Generator().manual_seed(0)) < 0.1
    inputs, labels = all_digits.inputs[:30], all_digits.labels[:30]
    with torch.no_grad():
        network.module[0].weight *= mask
        network.module[0].weight[mask.nonzero()[0].unbind()] = 0
    dense = per_sample_gradients(network, inputs, labels, layer="0")

    network.topology = Topology.from_masks({"0.weight": mask})
    sparse = per_sample_gradients(network, inputs, labels, layer="0")

    kept = torch.cat([mask.flatten(), torch.ones(32, dtype=torch.bool)])
    assert sparse.shape == (30, int(mask.sum()) + 32)
    assert torch.equal(sparse, dense[:, kept])


def test_chunks_change_nothing(
    classifier: Build, all_digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of as many samples as the memory holds for a layer: here three."""
    network = classifier().eval()
    inputs, labels = all_digits.inputs[:10], all_digits.labels[:10]
    whole = per_sample_gradients(network, inputs, labels, layer="0.weight")
    sizes: list[int] = []
    monkeypatch.setattr(gradients, "CHUNK", 3 * 32 * 64)
    cat = torch.cat
    monkeypatch.setattr(
        torch, "cat", lambda parts, **kw: sizes.append(len(parts[0])) or cat(parts, **kw)
    )

    chunked = per_sample_gradients(network, inputs, labels, layer="0.weight")

    assert sizes[:4] == [3, 3, 3, 1]
    torch.testing.assert_close(chunked, whole)


def test_a_layer_that_is_not_there_is_named_with_those_that_are(classifier: Build) -> None:
    """A prefix of a name is no name."""
    with pytest.raises(
        TopologyError, match="no module '3.wei'; its parameters are: 0.weight, 0.bias, 3.weight"
    ):
        layer_parameters(classifier(), "3.wei")


def test_observations_share_the_gradients_of_the_model_that_was_observed(
    classifier: Build, all_digits: Dataset
) -> None:
    """Training goes on between observing and reading; whoever asks first pays, once."""
    network = classifier()
    inputs, labels = all_digits.inputs[:40], all_digits.labels[:40]
    expected = by_backward(network.eval(), inputs, labels, "0.weight")
    seen = observe(network, inputs, labels)
    with torch.no_grad():
        network.module[0].weight.mul_(2)

    found = seen.gradients("0.weight")

    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)
    assert seen.restrict(seen.access).gradients("0.weight") is found
    some = torch.tensor([7, 3])
    torch.testing.assert_close(seen.take(some).gradients("0.weight"), found[some])


def test_gradients_of_the_last_layer_are_those_in_closed_form(
    classifier: Build, all_digits: Dataset
) -> None:
    """The same numbers by another way."""
    seen = observe(classifier(), all_digits.inputs[:40], all_digits.labels[:40])

    torch.testing.assert_close(
        seen.gradients("3.weight"), seen.last_layer_gradients.flatten(1), rtol=1e-4, atol=1e-6
    )


def test_gradients_need_white_box_access(classifier: Build, all_digits: Dataset) -> None:
    """Even where another attacker has asked for them before."""
    seen = observe(classifier(), all_digits.inputs[:4], all_digits.labels[:4])
    _ = seen.gradients("3.weight")

    with pytest.raises(AccessError, match="'gradients' needs white-box access"):
        seen.restrict(Access.GRAY_BOX).gradients("3.weight")
