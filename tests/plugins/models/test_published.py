"""Architectures have as many parameters as published, and do what others' do."""

from importlib import import_module
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from safecompress_core.toolkit import ModelError
from safecompress_plugins.models.manifest import DEFINITIONS, WideResnetParams


def built(
    name: str, shape: tuple[int, ...] = (3, 32, 32), classes: int = 10, **params: Any
) -> nn.Module:
    """A network in eval mode."""
    definition = next(one for one in DEFINITIONS if one.name == name)
    module, _, factory = definition.target.partition(":")
    made = getattr(import_module(module), factory)(definition.params.model_validate(params))
    network: nn.Module = made.build(
        input_shape=shape, classes=classes, generator=torch.Generator().manual_seed(0)
    )
    return network.eval()


def size(network: nn.Module) -> int:
    """How many parameters a network has."""
    return sum(parameter.numel() for parameter in network.parameters())


# In millions: Lee, Ajanthan & Torr 2019 ("SNIP"), Table 2; LeNet-5-Caffe in Table 1.
SNIP = [
    ("lenet", {}, (1, 28, 28), 0.431),
    ("alexnet", {"size": "s"}, (3, 32, 32), 5.1),
    ("alexnet", {"size": "b"}, (3, 32, 32), 8.5),
    ("vgg16", {"variant": "C"}, (3, 32, 32), 10.5),
    ("vgg16", {"variant": "D"}, (3, 32, 32), 15.2),
]


@pytest.mark.parametrize(("name", "params", "shape", "millions"), SNIP)
def test_small_networks_are_as_large_as_published(
    name: str, params: dict[str, Any], shape: tuple[int, ...], millions: float
) -> None:
    """Within half a per cent: the table is rounded."""
    assert size(built(name, shape, **params)) / 1e6 == pytest.approx(millions, rel=0.006)


# The `num_params` that torchvision records for its ResNet*_Weights.IMAGENET1K_V1.
TORCHVISION = [("resnet18", 11_689_512), ("resnet34", 21_797_672), ("resnet50", 25_557_032)]


@pytest.mark.parametrize(("name", "parameters"), TORCHVISION)
def test_residual_networks_are_as_large_as_torchvisions(name: str, parameters: int) -> None:
    """To the parameter, with the stem for large images."""
    assert size(built(name, (3, 64, 64), 1000, stem="imagenet")) == parameters


# The `num_params` of torchvision's VGG*_Weights.IMAGENET1K_V1.
VGG = [("vgg11", 132_863_336), ("vgg16", 138_357_544)]


@pytest.mark.parametrize(("name", "parameters"), VGG)
def test_the_convolutions_of_vgg_are_as_large_as_torchvisions(name: str, parameters: int) -> None:
    """All that is not in torchvision's three linear layers, which ours has smaller."""
    linear = [(512 * 7 * 7, 4096), (4096, 4096), (4096, 1000)]
    layers = [one for one in built(name).modules() if isinstance(one, nn.Conv2d)]

    assert sum(map(size, layers)) == parameters - sum((i + 1) * o for i, o in linear)


# Zagoruyko & Komodakis 2016, Table 4, in millions.
WIDE = [(16, 8, 11.0), (28, 10, 36.5), (40, 4, 8.9)]


@pytest.mark.parametrize(("depth", "widening", "millions"), WIDE)
def test_wide_residual_networks_are_as_large_as_published(
    depth: int, widening: int, millions: float
) -> None:
    """The paper rounds to a tenth of a million."""
    found = size(built("wide-resnet", depth=depth, widening=widening)) / 1e6

    assert found == pytest.approx(millions, abs=0.06)


def test_the_width_of_vgg_multiplies_its_channels() -> None:
    """A quarter of them, about a sixteenth of the weights."""
    small = built("vgg16", width=0.25)

    assert [one.out_channels for one in small if isinstance(one, nn.Conv2d)][:3] == [16, 16, 32]  # type: ignore[attr-defined]
    assert size(built("vgg16")) / size(small) == pytest.approx(16, rel=0.01)


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_the_width_of_a_residual_network_multiplies_its_channels(name: str) -> None:
    """A quarter of them, about a sixteenth of the weights; what goes into the head as well."""
    small, whole = built(name, width=0.25), built(name)

    assert small.conv1.out_channels == 16  # type: ignore[union-attr]
    assert 4 * small.fc.in_features == whole.fc.in_features  # type: ignore[union-attr, operator]
    assert size(whole) / size(small) == pytest.approx(16, rel=0.02)


def test_convolutions_have_hes_variance() -> None:
    """2 / fan_out, against torch's own initialiser."""
    layer = built("resnet18").layer4[1].conv2  # type: ignore[union-attr, index]
    reference = nn.init.kaiming_normal_(torch.empty(512, 512, 3, 3), mode="fan_out")

    assert layer.weight.std().item() == pytest.approx(reference.std().item(), rel=0.01)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("vgg16", (3, 16, 16), "vgg16 reduces images of 16 × 16 to nothing; use larger images"),
        ("lenet", (1, 8, 8), "lenet reduces images of 8 × 8 to nothing"),
        ("resnet18", (64,), "needs images .channels × height × width.; a sample is 64"),
    ],
)
def test_samples_that_do_not_fit_are_refused(
    name: str, shape: tuple[int, ...], message: str
) -> None:
    """Before anything is trained, with what to do."""
    with pytest.raises(ModelError, match=message):
        built(name, shape)


def test_a_wide_network_has_a_depth_that_divides() -> None:
    """Three stages of blocks of two layers."""
    with pytest.raises(ValidationError, match="27 is not 6·n \\+ 4 layers; write 22 or 28"):
        WideResnetParams(depth=27)
