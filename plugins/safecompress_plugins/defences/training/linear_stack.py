"""Stacks of linear layers for the defences' adversaries."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

__all__ = ["linear", "stack"]


def stack(widths: Sequence[int], generator: torch.Generator) -> nn.Sequential:
    """Build linear layers between consecutive widths, each followed by a ReLU."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [linear(inputs, outputs, generator), nn.ReLU()]
    return nn.Sequential(*layers)


def linear(inputs: int, outputs: int, generator: torch.Generator) -> nn.Linear:
    """Build a layer with weights by He's rule; biases are 0."""
    # skip_init leaves torch's global state alone; the weights are drawn from the generator.
    layer: nn.Linear = nn.utils.skip_init(nn.Linear, inputs, outputs)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
    nn.init.zeros_(layer.bias)
    return layer
