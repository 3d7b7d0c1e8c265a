"""Removal of dead channels: outputs of a layer that no answer of the network depends on.

A channel is dead if nothing reads it (every weight that would is 0), or if it is constant (every
weight that makes it is 0) and the constant is 0 or can be added to the biases of the layers that
read it. What is left computes the same function; sums are shorter, so they round otherwise.

torch-pruning (extra ``structured``) traces which channels belong together: a convolution's outputs,
the normalisation after it, the inputs of the next layer, both sides of a shortcut.
"""

import copy
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from safecompress_core.networks.classifier import in_eval_mode, logits_layer
from safecompress_core.networks.layer_shapes import CONVOLUTIONS, require_resizable

__all__ = ["without_dead_channels"]

WEIGHTED = (nn.Linear, *CONVOLUTIONS)


def without_dead_channels(
    module: nn.Module, sample: Tensor, *, adds_biases: bool = True
) -> tuple[nn.Module, dict[str, int]]:
    """Return a copy of a network without its dead channels, and how many were removed by layer.

    Each layer keeps one channel. Dropout and batch normalisation count as in eval mode.

    Args:
        module: from samples to logits; of linear layers, convolutions and batch normalisation.
        sample: an input, shape (1, ...), on the network's device.
        adds_biases: whether a layer may get a bias that its architecture has none of, for a
            constant that it reads; else such a channel stays.

    Raises:
        ModelError: if another layer has weights, or two layers share theirs.
        TopologyError: if the logits come from no linear layer.
        ModuleNotFoundError: if torch-pruning is not installed.
    """
    require_resizable(module)
    logits_layer(module, sample)  # before tracing, which knows no such error
    smaller = copy.deepcopy(module).eval()
    # Tracing follows gradients.
    smaller.requires_grad_()
    removed: Counter[str] = Counter()
    # A removal can leave channels before it without a reader, so until there is none.
    while counts := _remove_once(smaller, sample, adds_biases=adds_biases):
        removed.update(counts)
    for before, after in zip(module.parameters(), smaller.parameters(), strict=False):
        after.requires_grad_(before.requires_grad)
    return smaller, dict(removed)


@dataclass(frozen=True, slots=True)
class _Dead:
    """A dead channel: its position, and what its readers lose with it."""

    position: int
    readers: tuple[tuple[nn.Module, list[int]], ...]


def _remove_once(module: nn.Module, sample: Tensor, *, adds_biases: bool) -> Counter[str]:
    """Remove what is dead now; return how many channels by layer."""
    import torch_pruning as pruning  # noqa: PLC0415  an extra

    graph = pruning.DependencyGraph().build_dependency(module, example_inputs=sample, verbose=False)
    names = {layer: name for name, layer in module.named_modules()}
    constants = _constant_inputs(module, sample)
    dead: dict[nn.Module, list[_Dead]] = {}
    for group in graph.get_all_groups(
        # The last layer's outputs are the classes.
        ignored_layers=[logits_layer(module, sample)],
        root_module_types=list(WEIGHTED),
    ):
        root = group[0].dep.target.module
        found = [
            channel
            for position in range(len(_weight(root)))
            if (channel := _dead_channel(graph, root, position, constants)) is not None
            and (adds_biases or not _lacks_bias(channel, constants))
        ]
        # One channel stays: a layer without outputs is none.
        dead[root] = found[: len(_weight(root)) - 1]
    # All constants before any removal, which would shift positions.
    for channel in (channel for channels in dead.values() for channel in channels):
        for reader, inputs in channel.readers:
            _add_to_bias(reader, inputs, constants[reader])
    for root, channels in dead.items():
        if channels:
            prune = graph.get_pruner_of_module(root).prune_out_channels
            positions = [channel.position for channel in channels]
            graph.get_pruning_group(root, prune, positions).prune()
    return Counter({names[root]: len(channels) for root, channels in dead.items() if channels})


def _dead_channel(
    graph: Any, root: nn.Module, position: int, constants: dict[nn.Module, Tensor]
) -> _Dead | None:
    """Return a channel if it is dead, with all that belongs to it."""
    prune = graph.get_pruner_of_module(root).prune_out_channels
    writes: list[bool] = []
    readers: list[tuple[nn.Module, list[int]]] = []
    for dependency, places in graph.get_pruning_group(root, prune, [position]):
        layer = dependency.target.module
        if not isinstance(layer, WEIGHTED):
            continue
        if graph.is_out_channel_pruning_fn(dependency.handler):
            writes.append(bool(_weight(layer)[list(places)].count_nonzero()))
        else:
            readers.append((layer, list(places)))
    if not readers:
        return None
    if not any(_weight(layer)[:, places].count_nonzero() for layer, places in readers):
        return _Dead(position, ())
    if any(writes) or not all(_takes(layer, constants[layer][places]) for layer, places in readers):
        return None
    return _Dead(position, tuple(readers))


def _lacks_bias(channel: _Dead, constants: dict[nn.Module, Tensor]) -> bool:
    """Return whether a reader of a constant other than 0 has no bias to add it to."""
    without = (
        (layer, places)
        for layer, places in channel.readers
        if "bias" not in dict(layer.named_parameters(recurse=False))
    )
    return any(bool(constants[layer][places].count_nonzero()) for layer, places in without)


def _takes(layer: nn.Module, constant: Tensor) -> bool:
    """Return whether a layer's bias can take the place of constant inputs."""
    # Padding surrounds a constant with other values, which no bias can do.
    is_padded = isinstance(layer, CONVOLUTIONS) and set(layer.padding) not in ({0}, set("valid"))
    is_zero = not bool(constant.count_nonzero())  # NaN counts as something
    return bool(constant.isfinite().all()) and (is_zero or not is_padded)


def _add_to_bias(layer: nn.Module, inputs: list[int], constants: Tensor) -> None:
    """Add what constant inputs contribute to a layer's outputs to its bias."""
    # Every position of a convolution's window sees the same constant.
    weight = _weight(layer)[:, inputs].reshape(len(_weight(layer)), len(inputs), -1).sum(2)
    share = weight @ constants[inputs]
    if not bool(share.count_nonzero()):
        return
    bias = dict(layer.named_parameters(recurse=False)).get("bias")
    layer.register_parameter("bias", nn.Parameter(share if bias is None else bias.detach() + share))


def _weight(layer: nn.Module) -> Tensor:
    """Return a layer's weight, shape (outputs, inputs, ...)."""
    return layer.get_parameter("weight").detach()


def _constant_inputs(module: nn.Module, sample: Tensor) -> dict[nn.Module, Tensor]:
    """Return the value of each input channel of each layer; NaN where positions differ.

    A channel without weights has the same value for every sample, so one sample shows it.
    """
    constants: dict[nn.Module, Tensor] = {}

    def note(layer: nn.Module, args: tuple[Tensor, ...]) -> None:
        # Channels of a linear layer are the last dimension, of a convolution the second.
        by_channel = args[0].movedim(-1 if isinstance(layer, nn.Linear) else 1, 0).flatten(1)
        low, high = by_channel.amin(1), by_channel.amax(1)
        constants[layer] = torch.where(low == high, low, torch.nan)

    with ExitStack() as hooks, torch.no_grad(), in_eval_mode(module):
        for layer in module.modules():
            if isinstance(layer, WEIGHTED):
                hooks.callback(layer.register_forward_pre_hook(note).remove)
        module(sample)
    return constants
