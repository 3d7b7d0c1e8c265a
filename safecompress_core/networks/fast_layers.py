"""Layers of a finished network in the form that computes fastest on this machine.

Three decisions:

- What is faster is measured, layer by layer, with the inputs that the layer gets at the wanted
  batch size; no density decides by itself.
- A sparse layer multiplies its weights as compressed sparse rows (CSR) with a matrix whose columns
  are samples. ``torch.nn.functional.linear`` takes such weights too, by a path that is 6 to 8 times
  slower at 32 samples.
- The result is for inference alone: its weights are no parameters, and no file holds it.
"""

import copy
import warnings
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from safecompress_core.errors import ModelError, TopologyError
from safecompress_core.networks.classifier import in_eval_mode
from safecompress_core.networks.cost import LatencyRecord, latency
from safecompress_core.networks.dead_channels import without_dead_channels

__all__ = ["Acceleration", "CsrConvolution", "CsrLinear", "LayerSpeed", "accelerate"]

# N samples · I inputs · O outputs · K inputs of a window · P positions

MOST_DENSE = 0.5
"""Layers above this density are not tried: CSR stores an index with each weight."""


class CsrLinear(nn.Module):
    """A linear layer with its weights as compressed sparse rows.

    Args:
        layer: the dense one; weights that are 0 are left out.
    """

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.weight = _as_csr(layer.weight)
        self.bias = _bias(layer)

    def forward(self, inputs: Tensor) -> Tensor:
        """Outputs (..., O) of inputs (..., I)."""
        rows = inputs.reshape(-1, inputs.shape[-1])
        outputs: Tensor = torch.sparse.mm(self.weight, rows.t()).t()  # (N, O)
        if self.bias is not None:
            outputs = outputs + self.bias
        return outputs.reshape(*inputs.shape[:-1], -1)


class CsrConvolution(nn.Module):
    """A convolution over images as a product of sparse rows with unfolded windows.

    Args:
        layer: the dense one, see `_sparse_form`; weights that are 0 are left out.
    """

    def __init__(self, layer: nn.Conv2d) -> None:
        super().__init__()
        self.weight = _as_csr(layer.weight.flatten(1))
        self.bias = _bias(layer)
        assert not isinstance(layer.padding, str)  # see `_sparse_form`
        self._window = (layer.kernel_size, layer.dilation, layer.padding, layer.stride)

    def forward(self, inputs: Tensor) -> Tensor:
        """Outputs (N, O, height, width) of images (N, I, height, width)."""
        windows = functional.unfold(inputs, *self._window)  # (N, K, P)
        columns = windows.transpose(0, 1).flatten(1)  # (K, N·P)
        outputs: Tensor = torch.sparse.mm(self.weight, columns)  # (O, N·P)
        if self.bias is not None:
            outputs = outputs + self.bias[:, None]
        return outputs.view(-1, len(inputs), *self._size(inputs)).transpose(0, 1)

    def _size(self, inputs: Tensor) -> list[int]:
        """Height and width of the outputs."""
        return [
            (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1
            for size, kernel, dilation, padding, stride in zip(
                inputs.shape[2:], *self._window, strict=True
            )
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSpeed:
    """Measured speed of one layer.

    Attributes:
        name: of the layer.
        density: share of its weights that are not 0, in [0, 1].
        dense: median seconds of a pass with dense weights.
        csr: likewise with sparse rows; None where that was not tried.
    """

    name: str
    density: float
    dense: float
    csr: float | None

    @property
    def chosen(self) -> Literal["dense", "csr"]:
        """The faster form."""
        return "csr" if self.csr is not None and self.csr < self.dense else "dense"


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceleration:
    """A network in its fastest form, and how that was found.

    Attributes:
        network: computes the same function, up to the order of sums.
        layers: each linear layer and convolution, without its dead channels.
        before: durations of a pass of the network as it was.
        after: of a pass of ``network``.
        removed: dead channels by layer, where any were removed.
        kept: why no dead channels were looked for; empty if they were.
    """

    network: nn.Module
    layers: tuple[LayerSpeed, ...]
    before: LatencyRecord
    after: LatencyRecord
    removed: Mapping[str, int] = field(default_factory=dict)
    kept: str = ""


def accelerate(network: nn.Module, batch: Tensor, *, repeats: int = 20) -> Acceleration:
    """Choose the fastest form of each layer for batches of this size; nothing is changed in place.

    Dead channels are removed first. Then each linear layer, and each convolution over images, of a
    density up to one half is timed dense and as sparse rows. The network stays as it was if all
    of it together is no faster.

    Args:
        network: from samples to logits.
        batch: inputs, shape (N, ...), on the network's device.
        repeats: timed passes of each form.
    """
    with in_eval_mode(network), torch.no_grad():
        smaller, removed, kept = _smaller(network, batch[:1])
        fast = copy.deepcopy(smaller).eval()
        layers = []
        for name, inputs in _inputs_of_layers(fast, batch).items():
            layer = fast.get_submodule(name)
            sparse = _sparse_form(layer)
            speed = LayerSpeed(
                name=name,
                density=_density(layer),
                dense=latency(layer, inputs, repeats=repeats).median,
                csr=None if sparse is None else latency(sparse, inputs, repeats=repeats).median,
            )
            layers.append(speed)
            if sparse is not None and speed.chosen == "csr":
                fast.set_submodule(name, sparse)
        before = latency(network, batch, repeats=repeats)
        after = latency(fast, batch, repeats=repeats)
        if after.median >= before.median:
            fast, after = network, before
    return Acceleration(
        network=fast, layers=tuple(layers), before=before, after=after, removed=removed, kept=kept
    )


def _smaller(network: nn.Module, sample: Tensor) -> tuple[nn.Module, dict[str, int], str]:
    """The network without dead channels, or as it is and the reason."""
    if find_spec("torch_pruning") is None:
        return network, {}, "torch-pruning is not installed (extra 'structured')"
    try:
        # Tracing follows gradients.
        with torch.enable_grad():
            return *without_dead_channels(network, sample), ""
    except (ModelError, TopologyError) as error:
        return network, {}, error.message if isinstance(error, ModelError) else str(error)


def _inputs_of_layers(network: nn.Module, batch: Tensor) -> dict[str, Tensor]:
    """The input of each linear layer and convolution in a pass, by the layer's name."""
    inputs: dict[str, Tensor] = {}
    with ExitStack() as hooks:
        for name, layer in network.named_modules():
            # type(): a subclass may read its weight elsewhere, as attention does.
            if type(layer) in (nn.Linear, nn.Conv2d):
                hook = layer.register_forward_pre_hook(
                    lambda _, args, name=name: inputs.update({name: args[0]})
                )
                hooks.callback(hook.remove)
        network(batch)
    return inputs


def _sparse_form(layer: nn.Module) -> nn.Module | None:
    """The layer with sparse rows; None where that is not possible, or hopeless."""
    if _density(layer) > MOST_DENSE:
        return None
    if isinstance(layer, nn.Linear):
        sparse: nn.Module = CsrLinear(layer)
    else:
        assert isinstance(layer, nn.Conv2d)
        # Unfolding knows neither groups nor padding by anything but zeros.
        has_plain_padding = layer.padding_mode == "zeros" and not isinstance(layer.padding, str)
        if layer.groups > 1 or not has_plain_padding:
            return None
        sparse = CsrConvolution(layer)
    # What stands in front of the layer, such as a rounding of its inputs, stays there.
    sparse._forward_pre_hooks.update(layer._forward_pre_hooks)  # noqa: SLF001  no public way
    return sparse


def _bias(layer: nn.Module) -> Tensor | None:
    bias = dict(layer.named_parameters(recurse=False)).get("bias")
    return None if bias is None else bias.detach()


def _density(layer: nn.Module) -> float:
    weight = layer.get_parameter("weight")
    return float(weight.count_nonzero()) / weight.numel()


def _as_csr(weight: Tensor) -> Tensor:
    """A matrix (O, K) as compressed sparse rows of its values that are not 0."""
    with warnings.catch_warnings():
        # torch says once a process that this layout is in beta.
        warnings.simplefilter("ignore", UserWarning)
        return weight.detach().to_sparse_csr()
