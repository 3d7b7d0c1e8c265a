"""Structured pruning: which channels go, that the rest is what it was, and what a file says."""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from safecompress_core.api import Params
from safecompress_core.errors import SpecError
from safecompress_core.methods.architecture import Architecture
from safecompress_core.methods.method import Recipe
from safecompress_core.networks.classifier import Classifier
from safecompress_core.networks.layer_shapes import ARCHITECTURE_SHAPES, LayerShapes
from safecompress_core.preflight.run_checks import require_feasible
from safecompress_plugins.methods.reshaping_manifest import StructuredParams
from safecompress_plugins.methods.structured import Channels, Structured, channels_to_drop

STRUCTURED = {"type": "structured", "density": 0.5}
LAYERS = (nn.Linear, nn.Conv2d)
MLP = {"type": "mlp", "hidden": [30, 20]}
COLOUR = {"type": "made-up", "samples": 200, "shape": [3, 32, 32], "classes": 4}


def weights_of(network: Classifier) -> int:
    """How many may be sparse."""
    return sum(one.numel() for one in network.sparse_parameters().values())


def of(scores: list[float], layer: str, reader: str, per_channel: int = 1) -> Channels:
    """Channels that one layer puts out, and one reads."""
    return Channels(
        layer=layer,
        scores=torch.tensor(scores),
        outputs={layer: 1},
        inputs={reader: per_channel},
    )


def test_the_smallest_channels_go_until_the_budget_is_met() -> None:
    """Worked out by hand: 3·2 + 3·4·2 = 30 weights; each of b's channels is flattened from 2."""
    groups = [of([0.9, 0.1, 0.5], "a", "b"), of([0.4, 0.2, 0.8, 1.0], "b", "c", 2)]
    weights = {"a": (3, 2), "b": (4, 3), "c": (2, 8)}

    # without a's 1: 2·2 + 4·2 + 2·8 = 28; without b's 1 as well: 2·2 + 3·2 + 2·6 = 22
    assert channels_to_drop(groups, weights, most=34) == {"a": [], "b": []}
    assert channels_to_drop(groups, weights, most=28) == {"a": [1], "b": []}
    assert channels_to_drop(groups, weights, most=27) == {"a": [1], "b": [1]}
    assert channels_to_drop(groups, weights, most=16) == {"a": [1], "b": [0, 1]}
    assert channels_to_drop(groups, weights, most=0) == {"a": [1, 2], "b": [0, 1, 2]}


def test_the_channels_of_the_smallest_norm_go_and_the_rest_is_what_it_was(
    shop: Callable[..., Any],
) -> None:
    """Of a perceptron, scored without torch-pruning: squared weights into and out of a neuron."""
    prepared = shop(STRUCTURED, task__model=MLP).run_context
    network = prepared.create_network()
    most = round(0.5 * weights_of(network))
    small, facts = prepared.method.reshape(network, prepared.architecture, most)
    state = network.state()
    first, second, third = (state[f"{index}.weight"] for index in (1, 3, 5))
    norms = {
        "1": first.square().sum(1) + second.square().sum(0),
        "3": second.square().sum(1) + third.square().sum(0),
    }
    relative = {name: one / one.mean() for name, one in norms.items()}
    every = torch.cat(list(relative.values())).sort().values
    threshold = every[30 + 20 - sum(left for left, _ in facts["channels"].values())]
    stays = {name: one >= threshold for name, one in relative.items()}

    assert {name: int(kept.sum()) for name, kept in stays.items()} == {
        name: left for name, (left, _) in facts["channels"].items()
    }
    assert torch.equal(small.state()["1.weight"], first[stays["1"]])
    assert torch.equal(small.state()["3.weight"], second[stays["3"]][:, stays["1"]])
    assert torch.equal(small.state()["5.weight"], third[:, stays["3"]])
    assert torch.equal(small.state()["3.bias"], state["3.bias"][stays["3"]])
    assert weights_of(small) <= most


@pytest.mark.parametrize(
    ("model", "data"),
    [
        (MLP, {"type": "handwriting"}),
        ({"type": "lenet"}, COLOUR),
        ({"type": "vgg16", "width": 0.1}, COLOUR),
        ({"type": "alexnet"}, COLOUR),
        ({"type": "resnet18", "width": 0.1}, {"type": "handwriting"}),
        ({"type": "resnet34", "width": 0.1}, {"type": "handwriting"}),
        ({"type": "resnet50", "width": 0.1}, {"type": "handwriting"}),
        ({"type": "resnet18", "width": 0.1, "stem": "imagenet"}, COLOUR),
        ({"type": "wide-resnet", "depth": 10, "widening": 1}, {"type": "handwriting"}),
    ],
)
def test_a_network_without_its_channels_answers_as_if_they_were_0(
    shop: Callable[..., Any], model: dict[str, Any], data: dict[str, Any]
) -> None:
    """Every architecture that we have; what it is held against has all channels, some silenced."""
    prepared = shop(STRUCTURED, task__model=model, task__data=data).run_context
    network = prepared.create_network().eval()
    with torch.no_grad():
        for name, buffer in network.module.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_(0, 0.1, generator=torch.Generator().manual_seed(1))
    most = round(0.4 * weights_of(network))
    small, _ = prepared.method.reshape(network, prepared.architecture, most)
    inputs = prepared.dataset.inputs[torch.arange(4)]

    assert 0.3 * weights_of(network) < weights_of(small) <= most
    with torch.no_grad():
        wanted = silenced(network, small, inputs)
        scale = float(wanted.abs().max())
        assert torch.allclose(small.eval()(inputs), wanted, atol=1e-4 * scale)
        assert not torch.allclose(network(inputs), wanted, atol=1e-2 * scale)


def silenced(network: Classifier, small: Classifier, inputs: Tensor) -> Tensor:
    """What the full network answers while the channels are 0 that the small one does not have.

    Which those are is told by values no two of which are alike: running means, or else biases. All
    that is read of a channel comes out of its normalisation, or else of its layer.
    """
    normalised = any(isinstance(layer, _BatchNorm) for layer in network.module.modules())
    kinds, marker = (_BatchNorm, "running_mean") if normalised else (LAYERS, "bias")
    left = small.state()
    with ExitStack() as hooks, torch.no_grad():
        for name, layer in network.module.named_modules():
            if isinstance(layer, kinds) and layer is not network.head:
                stays = torch.isin(getattr(layer, marker), left[f"{name}.{marker}"])
                assert stays.sum() == len(left[f"{name}.{marker}"])

                def mute(_: nn.Module, __: Any, output: Tensor, stays: Tensor = stays) -> Tensor:
                    return output * stays.view(1, -1, *[1] * (output.ndim - 2))

                hooks.callback(layer.register_forward_hook(mute).remove)
        answers: Tensor = network(inputs)
        return answers


def test_every_group_keeps_a_channel(shop: Callable[..., Any]) -> None:
    """The smallest network is all but a line of single neurons."""
    prepared = shop(STRUCTURED, task__model=MLP).run_context
    small = prepared.method.smallest(prepared.create_network(), prepared.architecture)

    assert weights_of(small) == 64 + 1 + 14


@pytest.mark.parametrize(
    ("method", "model", "data", "told"),
    [
        (
            {"density": 0.05},
            {"type": "mlp", "hidden": [10, 8]},
            {"type": "handwriting"},
            "method.density: the smallest network has 79 of the 832 weights; density allows "
            "42; write at least 0.095",
        ),
        (
            {},
            {"type": "resnet18", "width": 0.1, "normalisation": "group"},
            {"type": "handwriting"},
            "method.type: channels of 'bn1' (GroupNorm) cannot be removed; take a model of linear",
        ),
    ],
)
def test_what_cannot_be_done_is_told_before_anything_is_trained(
    shop: Callable[..., Any],
    method: dict[str, Any],
    model: dict[str, Any],
    data: dict[str, Any],
    told: str,
) -> None:
    """At its place in the spec, with what to write."""
    prepared = shop(STRUCTURED | method, task__model=model, task__data=data).run_context

    with pytest.raises(SpecError) as found:
        require_feasible(prepared)
    assert told in str(found.value)


class Tied(nn.Module):
    """A network with one weight in two places."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other, self.head = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 2)
        self.other.weight = self.one.weight

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits."""
        answers: Tensor = self.head(self.other(self.one(inputs)))
        return answers


class Fixed(nn.Module):
    """A network that has the width of its hidden layer written into its forward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.head = nn.Linear(4, 6), nn.Linear(6, 2)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits."""
        answers: Tensor = self.head(self.first(inputs) + torch.arange(6.0))
        return answers


def architecture_of(kind: type[nn.Module]) -> Architecture:
    """Makes such networks, as a preparation does."""
    sample = torch.zeros(1, 4)

    def build(model: Params, layer_shapes: LayerShapes = ARCHITECTURE_SHAPES) -> Classifier:
        module = kind()
        layer_shapes.apply(module)
        return Classifier(module, sample=sample)

    return Architecture(model=Params(), build=build, sample=sample)


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (Tied, "'other' shares its weights with another layer"),
        (Fixed, "the model does not work with layers of other shapes: "),
    ],
)
def test_a_network_that_cannot_be_narrower_is_told_before_anything_is_trained(
    kind: type[nn.Module], told: str
) -> None:
    """By trying it, where nothing else can tell."""
    architecture = architecture_of(kind)
    recipe = Recipe(epochs=4, learning_rate=0.1, optimizer=lambda *_: None)  # type: ignore[arg-type]
    method = Structured(StructuredParams(density=0.5))
    [problem] = method.check(architecture.build(Params()), recipe, lambda _: None, architecture)

    assert problem.path == ("type",)
    assert told in problem.message
