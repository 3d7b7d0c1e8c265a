"""Hooks on a network's passes, and the per-sample gradients from one backward pass.

- One backward pass yields every layer's input a and the gradient e of its output, a row per sample
  or, if several views of each sample are in the batch, a row per view.
- `layer_gradients.py` and `convolution_gradients.py` have norms and weighted sums of the gradients
  that these rows stand for.
- Masks define the active weights: an inactive weight is 0, its gradient is not.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from opacus.grad_sample import GradSampleModule
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from safecompress_core.toolkit import Classifier, Topology
from safecompress_plugins.defences.training.convolution_gradients import (
    ChannelBiasGradients,
    ConvolutionGradients,
)
from safecompress_plugins.defences.training.layer_gradients import (
    LayerGradients,
    LayerUse,
    LinearGradients,
    OtherGradients,
)

__all__ = ["PerSampleGradients", "PerSampleHooks", "mixing_layers", "unknown_layers"]

# B samples of a batch · R rows of it: views, B times their number


def mixing_layers(network: nn.Module) -> dict[str, nn.Module]:
    """Return the layers, by name, that mix samples of a batch."""
    return {name: layer for name, layer in network.named_modules() if isinstance(layer, _BatchNorm)}


def unknown_layers(network: nn.Module) -> dict[str, nn.Module]:
    """Return the layers, by name, with parameters that have no per-sample gradient rule."""
    return {
        name: layer
        for name, layer in network.named_modules()
        if _own(layer) and (type(layer) not in GradSampleModule.GRAD_SAMPLERS or _is_misread(layer))
    }


@dataclass(frozen=True, slots=True, eq=False)
class PerSampleGradients:
    """Per-sample gradients of all parameters.

    Attributes:
        parts: of one or several parameters each, of a loss that was divided by ``samples``.
        masks: 1 for active weights, by the parameter's ``id``; none for dense parameters.
        samples: B.
    """

    parts: Sequence[LayerGradients]
    masks: Mapping[int, Tensor]
    samples: int

    def norms(self) -> Tensor:
        """Return Euclidean norms over all active weights, shape (B,)."""
        squares = torch.stack([part.squares() for part in self.parts]).sum(dim=0)
        return squares.sqrt_().mul_(self.samples)

    def weighted_sum(self, weights: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield each parameter with a new weighted sum over samples; ``weights`` are (B,)."""
        scaled = weights * self.samples
        for part in self.parts:
            yield from part.weighted_sums(scaled)


class PerSampleHooks:
    """Hooks on forward and backward passes, and the per-sample gradients from them."""

    def __init__(self) -> None:
        # layer, its input, the gradient of its output
        self._seen: list[tuple[nn.Module, Tensor, Tensor]] = []
        self._rows = 0
        # the ``id`` of the network and the topology that the masks are of
        self._masked: tuple[int, Topology | None] = (0, None)
        self._masks: Mapping[int, Tensor] = {}

    @contextmanager
    def watching(self, network: nn.Module) -> Iterator[None]:
        """Record layers' inputs in the forward pass, output gradients in the backward pass."""
        self._seen.clear()
        with ExitStack() as hooks:
            hooks.callback(network.register_forward_pre_hook(self._count).remove)
            for layer in network.modules():
                if _own(layer):
                    hooks.callback(layer.register_forward_hook(self._watch).remove)
                if isinstance(layer, nn.Embedding):
                    hooks.callback(layer.register_forward_pre_hook(self._spread).remove)
            yield

    def _count(self, network: nn.Module, given: tuple[Any, ...]) -> None:
        self._rows = len(given[0])

    def _spread(self, layer: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
        """Expand an input shared by the batch, such as positions, to one row per sample.

        The gradient would otherwise be the sum over the batch.
        """
        indices, *rest = given
        if indices.ndim > 1 and len(indices) == 1:
            indices = indices.expand(self._rows, *indices.shape[1:])
        return indices, *rest

    def _watch(self, layer: nn.Module, given: tuple[Any, ...], output: Tensor) -> None:
        """Hook the output's gradient; a backward hook of the layer fails on in-place successors."""
        activations: Tensor = given[0].detach()
        if output.requires_grad:
            output.register_hook(
                lambda gradient: self._seen.append((layer, activations, gradient.detach()))
            )

    def gradients(self, network: Classifier, *, samples: int) -> PerSampleGradients:
        """Return the gradient of each sample's own loss, for a loss that was the mean over rows.

        Where the batch has several rows a sample, next to each other, it is the mean of theirs.
        """
        masks = self._masks_of(network)
        # A parameter used twice has the sum of both gradients, and its norm is not the norms' sum.
        counts = Counter(id(parameter) for layer, *_ in self._seen for parameter in _own(layer))
        shared: list[LayerUse] = []
        parts: list[LayerGradients] = []
        for layer, given, gradient in self._seen:
            errors = gradient.to(_own(layer)[0].dtype)
            activations = given.to(errors) if given.is_floating_point() else given
            use = LayerUse(layer, activations, errors, samples)
            if any(counts[id(parameter)] > 1 for parameter in _own(layer)):
                shared.append(use)
            else:
                parts += _parts(use, masks)
        if shared:
            parts.append(OtherGradients(shared, masks))
        self._seen.clear()
        # Frozen parameters have no gradient to clip.
        # The loss was a mean over B times the views, so the sum over views is their mean over B.
        return PerSampleGradients([part for part in parts if part.parameters], masks, samples)

    def _masks_of(self, network: Classifier) -> Mapping[int, Tensor]:
        """Return 1 for active weights, by the parameter's ``id``."""
        # Looked up once a topology: a step of a small network is mostly calls.
        if self._masked[0] != id(network) or self._masked[1] is not network.topology:
            self._masked = id(network), network.topology
            self._masks = {
                id(parameter): network.masks[name].to(parameter)
                for name, parameter in network.sparse_parameters().items()
                if name in network.masks
            }
        return self._masks


def _parts(use: LayerUse, masks: Mapping[int, Tensor]) -> Iterator[LayerGradients]:
    """Yield the gradients of the parameters of a layer that is used once."""
    layer = use.layer
    if isinstance(layer, nn.Linear):
        yield LinearGradients(use, masks)
    elif isinstance(layer, nn.Conv2d):
        yield ConvolutionGradients(use, masks)
        if layer.bias is not None:
            yield ChannelBiasGradients(use)
    else:
        yield OtherGradients([use], masks)


def _is_misread(layer: nn.Module) -> bool:
    """Return whether opacus takes a layer's padding for zeros, though it is not."""
    return isinstance(layer, nn.Conv1d | nn.Conv3d) and layer.padding_mode != "zeros"


def _own(layer: nn.Module) -> list[nn.Parameter]:
    return list(layer.parameters(recurse=False))
