"""Copies of a network on the CPU: with its weights, or with weights drawn anew."""

import copy
from collections.abc import Iterator
from itertools import chain

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from safecompress_core.errors import ModelError
from safecompress_core.seeding import global_random_state

__all__ = ["copied", "redraw", "require_redrawable", "require_weights"]

RESETS = ("reset_parameters", "_reset_parameters")
"""What layers of torch call the method that draws their weights."""

BY_FUNCTION = "give a function that returns a new network: model=lambda: Net()"


def copied(module: nn.Module) -> nn.Module:
    """Return a copy on the CPU, in float32, with the same weights.

    Raises:
        ModelError: if it has none.
    """
    require_weights(module)
    return copy.deepcopy(module).cpu().float()


def require_weights(module: nn.Module) -> None:
    """Refuse a network on the device ``meta``, where tensors have shapes and no values.

    Raises:
        ModelError: with how it gets its weights.
    """
    if any(tensor.is_meta for tensor in chain(module.parameters(), module.buffers())):
        raise ModelError(
            "the network is on the device 'meta', so it has shapes and no weights",
            hint="load its weights first: network.to_empty(device='cpu'), then load_state_dict",
        )


def redraw(module: nn.Module, generator: torch.Generator) -> nn.Module:
    """Return a copy on the CPU, in float32, whose layers have drawn their weights anew.

    Each layer draws as torch's layers of its kind do, by its ``reset_parameters``; what else a
    constructor had done to weights is not repeated.
    """
    fresh = copied(module)
    with global_random_state(generator):
        for layer in fresh.modules():
            for name in RESETS:
                if hasattr(layer, name):
                    getattr(layer, name)()
                    break
    return fresh


def require_redrawable(module: nn.Module) -> None:
    """Refuse a network with weights that no layer can draw.

    Raises:
        ModelError: with the parameters.
    """
    if any(is_lazy(one) for one in module.parameters()):
        raise ModelError("the network has lazy layers without a shape", hint="call it on a sample")
    if left := list(_undrawn(module)):
        raise ModelError(
            f"the network's parameters {', '.join(map(repr, left))} belong to no layer with "
            "reset_parameters, so a fresh copy cannot be drawn",
            hint=BY_FUNCTION,
        )


def _undrawn(module: nn.Module) -> Iterator[str]:
    """Return the names of parameters whose own layer has no method that draws them."""
    for place, layer in module.named_modules():
        if not any(hasattr(layer, name) for name in RESETS):
            for name, _ in layer.named_parameters(recurse=False):
                yield f"{place}.{name}".lstrip(".")
