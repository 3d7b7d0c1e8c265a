"""Stacks of linear layers that adversaries of defences are made of."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import nn

__all__ = ["linear", "stack"]


def stack(widths: Sequence[int], generator: torch.Generator) -> nn.Sequential:
    """Linear layers from each width to the next, a ReLU after every one."""
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [linear(inputs, outputs, generator), nn.ReLU()]
    return nn.Sequential(*layers)


def linear(inputs: int, outputs: int, generator: torch.Generator) -> nn.Linear:
    """A layer whose weights are drawn by He's rule; biases are 0."""
    layer: nn.Linear = nn.utils.skip_init(nn.Linear, inputs, outputs)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
    nn.init.zeros_(layer.bias)
    return layer
