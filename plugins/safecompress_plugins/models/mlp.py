"""The multilayer perceptron."""

import math
from itertools import pairwise

import torch
from torch import nn

from safecompress_core.toolkit import ModelFactory
from safecompress_plugins.models.initialisation import by_lecun, drawn
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

        def make() -> nn.Module:
            layers: list[nn.Module] = [nn.Flatten()]
            for inputs, outputs in pairwise(widths):
                layers += [nn.Linear(inputs, outputs), nn.ReLU()]
            return nn.Sequential(*layers[:-1])

        return drawn(make, by_lecun, generator=generator)
