"""Networks whose every weight is drawn from a generator.

Layers are made without memory and filled afterwards, in the order in which the network registers
them, so that no global random state is touched and nothing is drawn twice.
"""

import math
from collections.abc import Callable
from typing import Literal

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from safecompress_core.toolkit import ModelError

__all__ = ["by_he", "by_lecun", "drawn", "flat_width"]

Fill = Callable[[nn.Module, torch.Generator], None]
"""Draws the weights of one convolution or linear layer."""


Normalisation = Literal["batch", "group"]


def drawn(
    make: Callable[[], nn.Module],
    fill: Fill,
    *,
    generator: torch.Generator,
    normalisation: Normalisation = "batch",
) -> nn.Module:
    """The network that ``make`` builds, its convolutions and linear layers filled by ``fill``.

    Normalisation starts as the identity: scale 1, shift 0. ``group`` puts `in_groups` in the place
    of every batch normalisation.

    Raises:
        ModelError: if a layer of another kind has parameters of its own.
    """
    with torch.device("meta"):
        module = make()
        if normalisation == "group":
            in_groups(module)
    module.to_empty(device="cpu")
    for name, layer in module.named_modules():
        if isinstance(layer, nn.Linear | nn.Conv2d):
            fill(layer, generator)
        elif isinstance(layer, _BatchNorm | nn.GroupNorm):
            layer.reset_parameters()
        elif list(layer.parameters(recurse=False)):
            raise ModelError(
                f"no rule says how to draw the weights of {name or 'the network'}",
                mend="use convolutions, linear layers and batch normalisation",
            )
    return module


def in_groups(module: nn.Module) -> None:
    """Replace every batch normalisation by normalisation of groups of a sample's own channels.

    The groups of an image's channels are of one size, of sixteen channels or more where there are
    as many. A vector is one group (layer normalisation): of few values little is left once their
    mean and their size are gone. So a single channel, which the narrowest students have, stays as
    it is.
    Source: Wu & He 2018, "Group Normalization", ECCV, section 4.1, which has 32 groups or 16
    channels in each.
    """
    for parent in list(module.modules()):
        for name, layer in parent.named_children():
            if isinstance(layer, _BatchNorm):
                setattr(parent, name, _grouped(layer))


def _grouped(layer: _BatchNorm) -> nn.Module:
    channels = layer.num_features
    if channels == 1:
        return nn.Identity()
    groups = 1 if isinstance(layer, nn.BatchNorm1d) else _groups(channels)
    return nn.GroupNorm(groups, channels)


def _groups(channels: int) -> int:
    fitting = (groups for groups in (32, 16, 8, 4, 2) if channels % groups == 0)
    return next((groups for groups in fitting if channels // groups >= 16), 1)


def by_lecun(layer: nn.Module, generator: torch.Generator) -> None:
    """Weights and biases as torch draws them: uniform within ±1/√fan_in.

    Source: LeCun et al. 1998, "Efficient BackProp", section 4.6, with torch's bound, which is
    Kaiming's rule for a = √5.
    """
    assert isinstance(layer, nn.Linear | nn.Conv2d)
    bound = 1 / math.sqrt(layer.weight[0].numel())
    for parameter in (layer.weight, layer.bias):
        if parameter is not None:
            nn.init.uniform_(parameter, -bound, bound, generator=generator)


def by_he(layer: nn.Module, generator: torch.Generator) -> None:
    """Convolutions normal with variance 2/fan_out, no bias; linear layers as `by_lecun`.

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
    """How many values a sample has behind some layers; no sample is computed.

    Args:
        features: layers without memory, as inside `drawn`.
        input_shape: (channels, height, width).
        of: the network's name, for the error.

    Raises:
        ModelError: if nothing is left of images of that size.
    """
    was_training = features.training
    try:
        with torch.no_grad():
            seen = features.eval()(torch.empty(1, *input_shape, device="meta"))
    except RuntimeError as error:
        raise ModelError(
            f"{of} leaves nothing of {_size(input_shape)}",
            mend="use larger images, or a smaller network",
        ) from error
    finally:
        features.train(was_training)
    return int(seen.numel())


def _size(input_shape: tuple[int, ...]) -> str:
    return f"images of {' × '.join(map(str, input_shape[1:]))}"
