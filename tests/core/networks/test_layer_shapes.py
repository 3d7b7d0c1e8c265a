"""Layer shapes that differ from the architecture's: factorised layers, other widths."""

import json
from typing import Any

import pytest
import torch
from torch import nn

from safecompress_core.attacks.gradients import layer_parameters
from safecompress_core.errors import ModelError
from safecompress_core.networks.classifier import Classifier
from safecompress_core.networks.layer_shapes import (
    FactorizedLayer,
    LayerShapes,
    can_be_factorised,
    factor_names_to_layer,
)
from safecompress_core.networks.sparse_layers import SparseRule, sparsifiable_weights

BOTH = LayerShapes(
    widths={"0": (3, 4), "1": (4, 4), "4": (4 * 16, 9), "6": (9, 5)}, factorised={"0": 2, "4": 3}
)


def network() -> nn.Sequential:
    """A small convolutional network for images of 3 × 4 × 4."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=1, padding=1, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(8 * 16, 10),
        nn.ReLU(),
        nn.Linear(10, 5),
    )


def test_a_network_is_reshaped_as_it_is_said() -> None:
    """Widths first, then ranks; it takes the same samples, and gives as many logits."""
    module = network()

    BOTH.apply(module)
    shapes = {name: tuple(one.shape) for name, one in module.state_dict().items()}

    assert shapes == {
        "0.reduce.weight": (2, 3, 3, 3),
        "0.expand.weight": (4, 2, 1, 1),
        "1.weight": (4,),
        "1.bias": (4,),
        "1.running_mean": (4,),
        "1.running_var": (4,),
        "1.num_batches_tracked": (),
        "4.reduce.weight": (3, 64),
        "4.expand.weight": (9, 3),
        "4.expand.bias": (9,),
        "6.weight": (5, 9),
        "6.bias": (5,),
    }
    assert not any(tensor.any() for tensor in module.state_dict().values())
    assert all(parameter.requires_grad for parameter in module.parameters())
    assert module(torch.ones(2, 3, 4, 4)).shape == (2, 5)


def test_reshaping_spends_no_chance() -> None:
    """Later random draws are the same with and without it."""
    states = []
    for layer_shapes in (LayerShapes(), BOTH):
        module = network()
        torch.manual_seed(0)
        layer_shapes.apply(module)
        states.append(torch.get_rng_state())

    assert torch.equal(*states)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Linear(6, 7), (2, 6)),
        (nn.Linear(6, 7, bias=False), (2, 5, 6)),
        (nn.Conv1d(3, 7, 3, stride=2, padding=1, padding_mode="reflect"), (2, 3, 9)),
        (nn.Conv2d(3, 7, (3, 5), stride=(1, 2), padding=2), (2, 3, 9, 9)),
        (nn.Conv2d(3, 7, 3, padding="same", dilation=2), (2, 3, 9, 9)),
        (nn.Conv3d(2, 4, 3), (2, 2, 5, 5, 5)),
    ],
)
def test_two_layers_at_full_rank_do_what_the_one_did(layer: Any, shape: tuple[int, ...]) -> None:
    """With the factors of its weights: kernel, stride and padding are where they belong."""
    matrix = layer.weight.detach().flatten(1).double()
    outputs, values, inputs = torch.linalg.svd(matrix, full_matrices=False)
    pair: Any = FactorizedLayer(layer, len(values))
    samples = torch.randn(shape, generator=torch.Generator().manual_seed(0))

    with torch.no_grad():
        pair.reduce.weight.copy_((values[:, None] * inputs).view_as(pair.reduce.weight))
        pair.expand.weight.copy_(outputs.view_as(pair.expand.weight))
        if layer.bias is not None:
            pair.expand.bias.copy_(layer.bias)
        assert torch.allclose(pair(samples), layer(samples), atol=1e-5)


def test_a_reshaping_is_told_as_json_and_read_again() -> None:
    """An unchanged network has an empty record."""
    assert LayerShapes.from_json(json.loads(json.dumps(BOTH.to_json()))) == BOTH
    assert LayerShapes().to_json() == {}
    assert not LayerShapes.from_json({})
    assert BOTH


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ([1], "this is no reshaping"),
        ({"widths": {"0": [3]}}, "is not 2 times a number from 1"),
        ({"widths": {"0": [3, 0]}}, "is not 2 times a number from 1"),
        ({"factorised": {"0": 1.5}}, "is not 1 times a number from 1"),
        ({"factorised": {"0": True}}, "is not 1 times a number from 1"),
        ({"factorised": [1]}, "this is no reshaping"),
        ({"pickled": {}}, "a reshaping has no part pickled"),
        ({"widths": {"9": [3, 4]}}, "the architecture has no layer '9'"),
        ({"widths": {"2": [3, 4]}}, r"2 \(ReLU\) cannot have another width"),
        ({"widths": {"0": [3, 9]}}, "0 has 8 out_channels, and no 9"),
        ({"factorised": {"1": 1}}, r"1 \(BatchNorm2d\) cannot be made of two layers"),
        ({"factorised": {"6": 6}}, "6 has no rank of 6"),
    ],
)
def test_what_a_file_cannot_mean_is_refused(written: Any, told: str) -> None:
    """Before anything is allocated for it."""
    with pytest.raises(ModelError, match=told):
        LayerShapes.from_json(written).apply(network())


def test_only_plain_layers_are_made_of_two() -> None:
    """Attention reads the weights of its projection, so another class may need them."""
    attention = nn.MultiheadAttention(4, 2)

    assert can_be_factorised(nn.Linear(2, 2))
    assert not can_be_factorised(attention.out_proj)
    assert not can_be_factorised(nn.Conv2d(4, 4, 3, groups=4))
    assert not can_be_factorised(nn.ConvTranspose2d(4, 4, 3))


def test_a_layers_name_stands_for_the_two_that_took_its_place() -> None:
    """For what may be sparse, and for attackers that read gradients."""
    module = network()
    BOTH.apply(module)
    halves = ["4.reduce.weight", "4.expand.weight"]

    assert {
        name: before for name, before in factor_names_to_layer(module).items() if name[0] == "4"
    } == {
        "4.reduce.weight": "4.weight",
        "4.expand.weight": "4.weight",
        "4.expand.bias": "4.bias",
    }
    assert list(sparsifiable_weights(module, SparseRule(include=("4.weight",)))) == halves
    assert list(layer_parameters(Classifier(module), "4.weight")) == halves
    assert list(layer_parameters(Classifier(module), "6.weight")) == ["6.weight"]
