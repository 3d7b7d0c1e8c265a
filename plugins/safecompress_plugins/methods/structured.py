"""Structured pruning: whole channels and neurons of a trained network go."""

import copy
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch_pruning as pruning
from torch import Tensor, nn

from safecompress_core.toolkit import (
    Architecture,
    Classifier,
    ModelError,
    Reshaping,
    can_be_resized,
)
from safecompress_plugins.methods.reshaping import DenseThenReshaped

__all__ = ["Channels", "Structured", "dropped"]

MEND = "take a model of linear layers, convolutions and batch normalisation, each used once"


class Structured(DenseThenReshaped):
    """Channels that depend on each other go together, those of the smallest norm first.

    torch-pruning finds by tracing which channels have to go together (a convolution's outputs, the
    normalisation after it, the inputs of what reads it, whatever a shortcut adds), and scores each
    such group by the mean over its layers of the sum of squared weights. Scores are divided by
    their mean over the group, and the smallest of all groups go until the budget is met; each group
    keeps one channel. What is left is a smaller dense network.

    Source: Fang et al. 2023, "DepGraph: Towards Any Structural Pruning", CVPR, with the norms of a
    plainly trained network, as in Li et al. 2017, "Pruning Filters for Efficient ConvNets", ICLR.
    """

    phase = "remove channels and fine-tune"

    def smallest(self, network: Classifier, architecture: Architecture) -> Classifier:
        """Every group has one channel left."""
        return self.reshaped(network, architecture, 0)[0]

    def reshaped(
        self, network: Classifier, architecture: Architecture, most: int
    ) -> tuple[Classifier, Mapping[str, Any]]:
        """The network with fewer channels; facts are how many each group has left, and had."""
        _require_known(network)
        # where topologies are chosen: on the CPU; in eval mode a single sample will do
        module = copy.deepcopy(network.module).cpu().eval().requires_grad_()
        graph = pruning.DependencyGraph().build_dependency(
            module, example_inputs=architecture.sample.cpu(), verbose=False
        )
        names = {id(layer): name for name, layer in module.named_modules()}
        own = {id(layer): name for name, layer in network.module.named_modules()}
        head = module.get_submodule(own[id(network.head)])
        found = [
            _channels(group, graph, names)
            for group in graph.get_all_groups(
                ignored_layers=[head],
                root_module_types=[nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d],
            )
        ]
        weights = {
            name.rpartition(".")[0]: tuple(weight.shape)
            for name, weight in network.sparse_parameters().items()
        }
        gone = dropped(found, weights, most=most)
        for channels in found:
            if gone[channels.layer]:
                layer = module.get_submodule(channels.layer)
                prune = graph.get_pruner_of_module(layer).prune_out_channels
                graph.get_pruning_group(layer, prune, gone[channels.layer]).prune()
        small = architecture.reshaped(Reshaping(widths=_changes(network.module, module)))
        small.module.load_state_dict(module.state_dict())
        left = {
            one.layer: [len(one.scores) - len(gone[one.layer]), len(one.scores)] for one in found
        }
        return small, {"channels": left}


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """Channels that have the same layers in common.

    Attributes:
        layer: whose outputs they are; others may have the same.
        scores: shape (channels,), what each is worth beside the others of the group.
        outputs: how many outputs of a layer go with each channel, by the layer's name.
        inputs: how many inputs likewise: several where an image was flattened.
    """

    layer: str
    scores: Tensor
    outputs: Mapping[str, int]
    inputs: Mapping[str, int]


def dropped(
    groups: Sequence[Channels], weights: Mapping[str, tuple[int, ...]], *, most: int
) -> dict[str, list[int]]:
    """The fewest channels, of the smallest scores, without which a budget is met.

    Args:
        groups: all channels; the best one of each stays.
        weights: shapes (outputs, inputs, ...) of the weights that count, by layer.
        most: how many may be left; where that cannot be, all that can go do.

    Returns:
        Positions by the layer of each group, in order.
    """
    queue = [
        (float(group.scores[position]), index, int(position))
        for index, group in enumerate(groups)
        for position in group.scores.argsort(stable=True)[:-1]
    ]
    queue.sort()

    def left(count: int) -> int:
        gone = Counter(index for _, index, _ in queue[:count])
        sizes = {name: list(shape) for name, shape in weights.items()}
        for index, group in enumerate(groups):
            for axis, touched in enumerate((group.outputs, group.inputs)):
                for name in touched.keys() & sizes.keys():
                    sizes[name][axis] -= gone[index] * touched[name]
        return sum(map(prod, sizes.values()))

    low, high = 0, len(queue)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if left(middle) <= most else (middle + 1, high)
    found: dict[str, list[int]] = {group.layer: [] for group in groups}
    for _, index, position in queue[:low]:
        found[groups[index].layer].append(position)
    return {layer: sorted(positions) for layer, positions in found.items()}


def _channels(group: Any, graph: Any, names: Mapping[int, str]) -> Channels:
    """What a group of torch-pruning comes to; of a group without any weights no score is left."""
    scores = pruning.importance.GroupMagnitudeImportance(p=2)(group).detach().nan_to_num(0)
    touched: tuple[dict[str, int], dict[str, int]] = ({}, {})
    for dependency, positions in group:
        layer = names.get(id(dependency.target.module))
        if layer is not None:
            side = touched[0 if graph.is_out_channel_pruning_fn(dependency.handler) else 1]
            side[layer] = len(positions) // len(scores)
    root = names[id(group[0].dep.target.module)]
    return Channels(layer=root, scores=scores, outputs=touched[0], inputs=touched[1])


def _require_known(network: Classifier) -> None:
    """Refuse what would not be found again when the model is built from its file."""
    uses: Counter[int] = Counter()
    for name, layer in network.module.named_modules(remove_duplicate=False):
        own = list(layer.parameters(recurse=False))
        uses.update(map(id, own))
        if own and not can_be_resized(layer):
            message = f"channels of {name!r} ({type(layer).__name__}) cannot be removed"
            raise ModelError(message, mend=MEND)
        if any(uses[id(one)] > 1 for one in own):
            raise ModelError(f"{name!r} shares its weights with another layer", mend=MEND)


def _changes(before: nn.Module, after: nn.Module) -> dict[str, tuple[int, int]]:
    """Inputs and outputs of the layers that have others than before."""
    modules = dict(before.named_modules())
    return {
        name: _widths(layer)
        for name, layer in after.named_modules()
        if can_be_resized(layer) and _widths(layer) != _widths(modules[name])
    }


def _widths(layer: nn.Module) -> tuple[int, int]:
    if isinstance(layer, nn.Linear):
        return layer.in_features, layer.out_features
    if isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d):
        return layer.in_channels, layer.out_channels
    return layer.num_features, layer.num_features  # type: ignore[return-value]
