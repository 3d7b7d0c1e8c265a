"""Per-sample gradients from one backward pass.

- One backward pass yields every layer's input a and the gradient e of its output, a row per sample.
- A linear layer with one vector per sample has the gradient e ⊗ a. Its norm and any weighted sum
  over samples follow from a and e alone (Goodfellow 2015, "Efficient Per-Example Gradient
  Computations"), also with a mask M: ‖M ∘ (e ⊗ a)‖² = (e²)ᵀ M a². No tensor of the batch size
  times the layer size is formed.
- All other layers use opacus' functions. Convolutions' per-sample gradients are formed for their
  norms and freed; the weighted sum is an ordinary backward pass of weighted errors.
- Masks define the active weights: an inactive weight is 0, its gradient is not.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from opacus.grad_sample import GradSampleModule
from torch import Tensor, nn
from torch.nn.grad import conv2d_weight
from torch.nn.modules.batchnorm import _BatchNorm

from safecompress_core.toolkit import Classifier

__all__ = ["PerSampleHooks", "mixing_layers", "unknown_layers"]

# B samples of a batch · O outputs, I inputs of a linear layer


def mixing_layers(network: nn.Module) -> dict[str, nn.Module]:
    """Return the layers, by name, that mix samples of a batch."""
    return {name: layer for name, layer in network.named_modules() if isinstance(layer, _BatchNorm)}


def unknown_layers(network: nn.Module) -> dict[str, nn.Module]:
    """Return the layers, by name, with parameters that have no per-sample gradient rule."""
    return {
        name: layer
        for name, layer in network.named_modules()
        if _own(layer) and type(layer) not in GradSampleModule.GRAD_SAMPLERS
    }


@dataclass(frozen=True, slots=True, eq=False)
class _LinearWeight:
    """Gradients of a linear weight: activations (B, I), errors (B, O), mask (O, I) or None."""

    parameter: Tensor
    activations: Tensor
    errors: Tensor
    mask: Tensor | None

    def squares(self) -> Tensor:
        """Return squared norms, shape (B,)."""
        inputs, outputs = self.activations.square(), self.errors.square()
        if self.mask is None:
            return inputs.sum(dim=1) * outputs.sum(dim=1)
        # (e²)ᵀ M a² for every sample in one product: masked per-sample gradients are never formed.
        return (outputs @ self.mask * inputs).sum(dim=1)

    def weighted_sum(self, weights: Tensor) -> Tensor:
        """Sum over samples with weights, shape (O, I)."""
        total = (self.errors * weights[:, None]).T @ self.activations
        return total if self.mask is None else total * self.mask


@dataclass(frozen=True, slots=True, eq=False)
class _ConvolutionWeight:
    """Gradients of a convolution: activations (B, I, ...), errors (B, O, ...), mask or None."""

    parameter: Tensor
    layer: nn.Conv2d
    activations: Tensor
    errors: Tensor
    mask: Tensor | None

    def squares(self) -> Tensor:
        """Return squared norms, shape (B,)."""
        sampler = GradSampleModule.GRAD_SAMPLERS[type(self.layer)]
        rows: Tensor = sampler(self.layer, [self.activations], self.errors)[self.parameter]
        if self.mask is not None:
            rows.mul_(self.mask)
        return _squares(rows)

    def weighted_sum(self, weights: Tensor) -> Tensor:
        """Sum over samples with weights, of the kernels' shape."""
        layer = self.layer
        total: Tensor = conv2d_weight(
            self.activations,
            self.parameter.shape,
            self.errors * weights[:, None, None, None],
            layer.stride,
            layer.padding,
            layer.dilation,
            layer.groups,
        )
        return total if self.mask is None else total * self.mask


@dataclass(frozen=True, slots=True, eq=False)
class _AnyParameter:
    """Gradients of any parameter: one row per sample, (B, ...), already masked."""

    parameter: Tensor
    rows: Tensor

    def squares(self) -> Tensor:
        """Return squared norms, shape (B,)."""
        return _squares(self.rows)

    def weighted_sum(self, weights: Tensor) -> Tensor:
        """Sum over samples with weights, of the parameter's shape."""
        total: Tensor = torch.tensordot(weights, self.rows, dims=1)
        return total


_Part = _LinearWeight | _ConvolutionWeight | _AnyParameter


@dataclass(frozen=True, slots=True, eq=False)
class PerSampleGradients:
    """Per-sample gradients of all parameters.

    Attributes:
        parts: one per parameter.
        masks: 1 for active weights, by the parameter's ``id``; none for dense parameters.
    """

    parts: Iterable[_Part]
    masks: Mapping[int, Tensor]

    def norms(self) -> Tensor:
        """Return Euclidean norms over all active weights, shape (B,)."""
        return torch.stack([part.squares() for part in self.parts]).sum(dim=0).sqrt()

    def weighted_sum(self, weights: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield each parameter with its weighted sum over samples; ``weights`` are (B,)."""
        for part in self.parts:
            yield part.parameter, part.weighted_sum(weights)


class PerSampleHooks:
    """Hooks on forward and backward passes, and the per-sample gradients from them."""

    def __init__(self) -> None:
        # layer, its input, the gradient of its output
        self._seen: list[tuple[nn.Module, Tensor, Tensor]] = []
        self._samples = 0

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
        self._samples = len(given[0])

    def _spread(self, layer: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
        """Expand an input shared by the batch, such as positions, to one row per sample.

        The gradient would otherwise be the sum over the batch.
        """
        indices, *rest = given
        if indices.ndim > 1 and len(indices) == 1:
            indices = indices.expand(self._samples, *indices.shape[1:])
        return indices, *rest

    def _watch(self, layer: nn.Module, given: tuple[Any, ...], output: Tensor) -> None:
        """Hook the output's gradient; a backward hook of the layer fails on in-place successors."""
        activations: Tensor = given[0].detach()
        if output.requires_grad:
            output.register_hook(
                lambda gradient: self._seen.append((layer, activations, gradient.detach()))
            )

    def gradients(self, network: Classifier, *, samples: int) -> PerSampleGradients:
        """Return the gradient of each sample's own loss, for a loss that was the mean over them."""
        masks = {
            id(parameter): network.masks[name].to(parameter)
            for name, parameter in network.sparse_parameters().items()
            if name in network.masks
        }
        parts: list[_Part] = []
        # A parameter used twice has the sum of both gradients, and its norm is not the norms' sum.
        uses = Counter(id(parameter) for layer, *_ in self._seen for parameter in _own(layer))
        shared: dict[Tensor, Tensor] = {}
        for layer, given, gradient in self._seen:
            # The loss was a mean, so each row is scaled back to its own sample's loss.
            errors = gradient.to(_own(layer)[0].dtype) * samples
            activations = given.to(errors) if given.is_floating_point() else given
            is_once = all(uses[id(parameter)] == 1 for parameter in _own(layer))
            if is_once and isinstance(layer, nn.Linear) and errors.ndim == 2:
                mask = masks.get(id(layer.weight))
                parts.append(_LinearWeight(layer.weight, activations, errors, mask))
                if layer.bias is not None:
                    parts.append(_AnyParameter(layer.bias, errors))
                continue
            if is_once and isinstance(layer, nn.Conv2d) and _is_plain(layer):
                mask = masks.get(id(layer.weight))
                parts.append(_ConvolutionWeight(layer.weight, layer, activations, errors, mask))
                if layer.bias is not None:
                    parts.append(_AnyParameter(layer.bias, errors.sum(dim=(2, 3))))
                continue
            gradients = GradSampleModule.GRAD_SAMPLERS[type(layer)](layer, [activations], errors)
            for parameter, rows in gradients.items():
                shared[parameter] = shared[parameter] + rows if parameter in shared else rows
        # Masks apply after the sum over uses: they are the same for each.
        for parameter, rows in shared.items():
            mask = masks.get(id(parameter))
            parts.append(_AnyParameter(parameter, rows if mask is None else rows * mask))
        self._seen.clear()
        # Frozen parameters have no gradient to clip.
        return PerSampleGradients([part for part in parts if part.parameter.requires_grad], masks)


def _squares(rows: Tensor) -> Tensor:
    """Return each row's squared norm, shape (B,), without copying the rows (B, ...)."""
    norms: Tensor = torch.linalg.vector_norm(rows.flatten(1), dim=1)
    return norms.square()


def _is_plain(layer: nn.Conv2d) -> bool:
    """Return whether padding is zeros, symmetric on all sides."""
    return layer.padding_mode == "zeros" and not isinstance(layer.padding, str)


def _own(layer: nn.Module) -> list[nn.Parameter]:
    return list(layer.parameters(recurse=False))
