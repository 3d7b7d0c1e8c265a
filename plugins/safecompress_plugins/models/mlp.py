"""The multilayer perceptron."""

import math
from itertools import pairwise

import torch
from torch import nn

from safecompress_core.toolkit import ModelFactory
from safecompress_plugins.models.initialisation import by_lecun, initialise
from safecompress_plugins.models.manifest import MlpParams

__all__ = ["Mlp"]


class Mlp(ModelFactory):
    """Flattened inputs, then linear layers with ReLU between them."""

    def __init__(self, params: MlpParams) -> None:
        self._hidden = params.hidden

    def build(
        self, *, input_shape: tuple[int, ...], classes: int, generator: torch.Generator
    ) -> nn.Module:
        """Build a new network; weights and biases by torch's rule, from ``generator``."""
        widths = [math.prod(input_shape), *self._hidden, classes]

        # Built on the meta device and initialised by `initialise`, so constructors must not draw.
        def make() -> nn.Module:
            layers: list[nn.Module] = [nn.Flatten()]
            for inputs, outputs in pairwise(widths):
                layers += [nn.Linear(inputs, outputs), nn.ReLU()]
            return nn.Sequential(*layers[:-1])  # no ReLU after the logits

        return initialise(make, by_lecun, generator=generator)
