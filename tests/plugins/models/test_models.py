"""The multilayer perceptron."""

import math

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from safecompress_core.host import load_plugins
from safecompress_core.toolkit import Classifier
from safecompress_plugins.models.manifest import MlpParams
from safecompress_plugins.models.mlp import Mlp


def build(*, seed: int = 1, hidden: tuple[int, ...] = (7, 5)) -> nn.Module:
    """For images of one channel, 8 x 8, and three classes."""
    generator = torch.Generator().manual_seed(seed)
    factory = Mlp(MlpParams(hidden=list(hidden)))
    return factory.build(input_shape=(1, 8, 8), classes=3, generator=generator)


def test_layers_are_as_wide_as_asked_with_relu_between_them() -> None:
    """Nothing after the last, whose input is the representation."""
    network = build()

    assert [type(layer) for layer in network] == [  # type: ignore[attr-defined]
        *(nn.Flatten, nn.Linear, nn.ReLU, nn.Linear, nn.ReLU, nn.Linear)
    ]
    logits, representation = Classifier(network).represent(torch.rand(4, 1, 8, 8))
    assert logits.shape == (4, 3)
    assert representation.shape == (4, 5)
    assert bool((representation >= 0).all())


def test_weights_are_drawn_from_the_generator_alone() -> None:
    """The same seed gives the same network, whatever torch's global state is."""
    torch.manual_seed(0)
    one = build()
    torch.manual_seed(1)
    before = torch.get_rng_state()
    other, third = build(), build(seed=2)

    assert torch.equal(torch.get_rng_state(), before)
    assert all(map(torch.equal, one.parameters(), other.parameters()))
    assert not any(map(torch.equal, one.parameters(), third.parameters()))


def test_weights_have_the_law_that_torch_draws_linear_layers_by() -> None:
    """Uniform within 1 / sqrt(inputs), bias too; against nn.Linear itself."""
    layer = build(hidden=(2000, 5))[1]  # type: ignore[index]
    with torch.random.fork_rng():
        torch.manual_seed(3)
        reference = nn.Linear(64, 2000)

    for mine, its in ((layer.weight, reference.weight), (layer.bias, reference.bias)):
        assert mine.abs().max().item() <= 1 / math.sqrt(64)
        assert mine.std().item() == pytest.approx(its.std().item(), rel=0.05)
        assert mine.mean().item() == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("hidden", [[], [0], [-3], ["wide"]])
def test_impossible_widths_are_refused(hidden: list[object]) -> None:
    """Without a hidden layer there is no representation but the input."""
    with pytest.raises(ValidationError):
        MlpParams.model_validate({"hidden": hidden})


def test_the_definition_builds_what_it_names() -> None:
    """Through the registry, as a run does."""
    assert isinstance(load_plugins().registry.create(MlpParams()), Mlp)
