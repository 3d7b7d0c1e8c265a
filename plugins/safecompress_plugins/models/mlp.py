"""The multilayer perceptron."""

import math
from itertools import pairwise

import torch
from torch import nn

from safecompress_core.toolkit import ModelFactory
from safecompress_plugins.models.manifest import MlpParams

__all__ = ["Mlp"]


class Mlp(ModelFactory):
    """Flatten, then linear layers with ReLU between them."""

    def __init__(self, params: MlpParams) -> None:
        self._hidden = params.hidden

    def build(
        self, *, input_shape: tuple[int, ...], classes: int, generator: torch.Generator
    ) -> nn.Module:
        """A fresh network; weights and biases as ``nn.Linear`` draws them, from ``generator``."""
        widths = [math.prod(input_shape), *self._hidden, classes]
        layers: list[nn.Module] = [nn.Flatten()]
        for inputs, outputs in pairwise(widths):
            layers += [_linear(inputs, outputs, generator), nn.ReLU()]
        return nn.Sequential(*layers[:-1])


def _linear(inputs: int, outputs: int, generator: torch.Generator) -> nn.Linear:
    layer: nn.Linear = nn.utils.skip_init(nn.Linear, inputs, outputs)
    bound = 1 / math.sqrt(inputs)  # what Kaiming's rule with a = sqrt(5) comes to
    for parameter in (layer.weight, layer.bias):
        nn.init.uniform_(parameter, -bound, bound, generator=generator)
    return layer
