"""Networks initialised from a generator.

Layers are built without memory and filled afterwards, in the network's order of registration, so
that no global random state is used and nothing is drawn twice.
"""

import math
from collections.abc import Callable
from typing import Literal

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from safecompress_core.toolkit import ModelError

__all__ = ["by_he", "by_lecun", "flat_width", "initialise"]

Fill = Callable[[nn.Module, torch.Generator], None]
"""Initialises one convolution or linear layer."""


Normalisation = Literal["batch", "group"]


def initialise(
    make: Callable[[], nn.Module],
    fill: Fill,
    *,
    generator: torch.Generator,
    normalisation: Normalisation = "batch",
) -> nn.Module:
    """Build the network of ``make``, with convolutions and linear layers initialised by ``fill``.

    Normalisation starts as the identity: scale 1, shift 0. ``group`` applies `use_group_norm` to
    every batch normalisation.

    Raises:
        ModelError: if a layer of another type has parameters.
    """
    # On the meta device constructors draw no weights: torch's global state is not touched.
    with torch.device("meta"):
        module = make()
        if normalisation == "group":
            use_group_norm(module)
    # Memory without values: every parameter is set below, or the layer is rejected.
    module.to_empty(device="cpu")
    for name, layer in module.named_modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            fill(layer, generator)
        elif isinstance(layer, _BatchNorm | nn.GroupNorm):
            layer.reset_parameters()
        elif list(layer.parameters(recurse=False)):
            raise ModelError(
                f"there is no initialisation rule for {name or 'the network'}",
                hint="use convolutions, linear layers and batch normalisation",
            )
    return module


def use_group_norm(module: nn.Module) -> None:
    """Replace every batch normalisation by group normalisation.

    Groups of an image's channels have equal sizes, of at least sixteen channels if there are that
    many. A vector is one group (layer normalisation): few values lose most of their information
    with their mean and scale. A single channel, as in the narrowest students, is not normalised.

    Source: Wu & He 2018, "Group Normalization", ECCV, section 4.1, with 32 groups or 16 channels
    per group.
    """
    # A list: replacing children while iterating modules() would visit the new ones.
    for parent in list(module.modules()):
        for name, layer in parent.named_children():
            if isinstance(layer, _BatchNorm):
                setattr(parent, name, _to_group_norm(layer))


def _to_group_norm(layer: _BatchNorm) -> nn.Module:
    channels = layer.num_features
    if channels == 1:
        return nn.Identity()
    groups = 1 if isinstance(layer, nn.BatchNorm1d) else _groups(channels)
    return nn.GroupNorm(groups, channels)


def _groups(channels: int) -> int:
    fitting = (groups for groups in (32, 16, 8, 4, 2) if channels % groups == 0)
    return next((groups for groups in fitting if channels // groups >= 16), 1)


def by_lecun(layer: nn.Module, generator: torch.Generator) -> None:
    """Initialise weights and biases as torch does: uniform within ±1/√fan_in.

    Source: LeCun et al. 1998, "Efficient BackProp", section 4.6, with torch's bound, which is
    Kaiming's rule for a = √5.
    """
    assert isinstance(layer, nn.Linear | nn.Conv2d)
    bound = 1 / math.sqrt(layer.weight[0].numel())  # the fan-in: inputs times kernel size
    for parameter in (layer.weight, layer.bias):
        if parameter is not None:
            nn.init.uniform_(parameter, -bound, bound, generator=generator)


def by_he(layer: nn.Module, generator: torch.Generator) -> None:
    """Initialise convolutions by a normal with variance 2/fan_out; linear layers as `by_lecun`.

    Source: He et al. 2015, "Delving Deep into Rectifiers", section 2.2, backward case.
    """
    if isinstance(layer, nn.Linear):
        by_lecun(layer, generator)
        return
    assert isinstance(layer, nn.Conv2d)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu", generator=generator)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def flat_width(features: nn.Module, input_shape: tuple[int, ...], *, of: str) -> int:
    """Count a sample's values after some layers, without computing a sample.

    Args:
        features: layers without memory, as inside `initialise`.
        input_shape: (channels, height, width).
        of: the network's name, for errors.

    Raises:
        ModelError: if images of that size vanish in the layers.
    """
    was_training = features.training
    try:
        # eval(): batch normalisation rejects a single sample in training mode.
        with torch.no_grad():
            seen = features.eval()(torch.empty(1, *input_shape, device="meta"))
    except RuntimeError as error:
        raise ModelError(
            f"{of} reduces {_size(input_shape)} to nothing",
            hint="use larger images, or a smaller network",
        ) from error
    finally:
        features.train(was_training)
    return int(seen.numel())


def _size(input_shape: tuple[int, ...]) -> str:
    return f"images of {' × '.join(map(str, input_shape[1:]))}"
