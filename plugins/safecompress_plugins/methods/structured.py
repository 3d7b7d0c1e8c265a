"""Structured pruning: whole channels and neurons of a trained network are removed."""

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
    LayerShapes,
    require_resizable,
)
from safecompress_plugins.methods.dense_then_reshaped import DenseThenReshaped

__all__ = ["Channels", "Structured", "channels_to_drop"]


class Structured(DenseThenReshaped):
    """Removes groups of dependent channels, those of the smallest norm first.

    torch-pruning traces which channels depend on each other (a convolution's outputs, the
    normalisation after it, the inputs of the next layer, both sides of a shortcut), and scores each
    such group by the mean over its layers of the sum of squared weights. Scores are divided by
    their mean over the group, and the smallest of all groups are removed until the budget is met;
    each group keeps one channel. The result is a smaller dense network.

    Source: Fang et al. 2023, "DepGraph: Towards Any Structural Pruning", CVPR, with the norms of a
    normally trained network, as in Li et al. 2017, "Pruning Filters for Efficient ConvNets", ICLR.
    """

    phase = "remove channels and fine-tune"

    def smallest(self, network: Classifier, architecture: Architecture) -> Classifier:
        """Build the network with one channel per group."""
        return self.reshape(network, architecture, 0)[0]

    def reshape(
        self, network: Classifier, architecture: Architecture, most: int
    ) -> tuple[Classifier, Mapping[str, Any]]:
        """Remove channels; facts are each group's channels left and in total."""
        require_resizable(network.module)
        # On the CPU, as all topologies; eval mode allows a single sample despite batch
        # normalisation.
        module = copy.deepcopy(network.module).cpu().eval().requires_grad_()
        graph = pruning.DependencyGraph().build_dependency(
            module, example_inputs=architecture.sample.cpu(), verbose=False
        )
        names = {id(layer): name for name, layer in module.named_modules()}
        # The copy's layers get their names by identity, since tracing returns modules, not names.
        layer_names = {id(layer): name for name, layer in network.module.named_modules()}
        head = module.get_submodule(layer_names[id(network.head)])
        groups_kept = [
            _channels(group, graph, names)
            for group in graph.get_all_groups(
                # The last layer's outputs are the classes: they cannot be removed.
                ignored_layers=[head],
                root_module_types=[nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d],
            )
        ]
        weights = {
            name.rpartition(".")[0]: tuple(weight.shape)
            for name, weight in network.sparse_parameters().items()
        }
        gone = channels_to_drop(groups_kept, weights, most=most)
        for channels in groups_kept:
            if gone[channels.layer]:
                layer = module.get_submodule(channels.layer)
                prune = graph.get_pruner_of_module(layer).prune_out_channels
                # A fresh group per removal: positions shift once earlier channels are gone.
                graph.get_pruning_group(layer, prune, gone[channels.layer]).prune()
        small = architecture.build_with_shapes(LayerShapes.between(network.module, module))
        small.module.load_state_dict(module.state_dict())
        left = {
            group.layer: [len(group.scores) - len(gone[group.layer]), len(group.scores)]
            for group in groups_kept
        }
        return small, {"channels": left}


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """Channels of one dependency group.

    Attributes:
        layer: the group's root, whose outputs they are.
        scores: shape (channels,), relative to the group's other channels.
        outputs: outputs per channel, by the layer's name.
        inputs: inputs per channel likewise: several after flattening an image.
    """

    layer: str
    scores: Tensor
    outputs: Mapping[str, int]
    inputs: Mapping[str, int]


def channels_to_drop(
    groups: Sequence[Channels], weights: Mapping[str, tuple[int, ...]], *, most: int
) -> dict[str, list[int]]:
    """Select the fewest channels, of the smallest scores, whose removal meets a budget.

    Args:
        groups: all channels; the best one of each stays.
        weights: shapes (outputs, inputs, ...) of the prunable weights, by layer.
        most: maximum number of weights left; if out of reach, all removable channels go.

    Returns:
        Positions by each group's layer, ascending.
    """
    queue = [
        (float(group.scores[position]), index, int(position))
        for index, group in enumerate(groups)
        # [:-1]: the best channel of each group is never removed.
        for position in group.scores.argsort(stable=True)[:-1]
    ]
    queue.sort()

    # Counts without building anything, so that bisection over the queue is cheap.
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
    channels: dict[str, list[int]] = {group.layer: [] for group in groups}
    # `low` is the smallest number of removals that meets the budget, or all of them.
    for _, index, position in queue[:low]:
        channels[groups[index].layer].append(position)
    return {layer: sorted(positions) for layer, positions in channels.items()}


def _channels(group: Any, graph: Any, names: Mapping[int, str]) -> Channels:
    """Summarise a group of torch-pruning; scores of a group without weights are 0."""
    scores = pruning.importance.GroupMagnitudeImportance(p=2)(group).detach().nan_to_num(0)
    touched: tuple[dict[str, int], dict[str, int]] = ({}, {})
    for dependency, positions in group:
        layer = names.get(id(dependency.target.module))
        if layer is not None:
            side = touched[0 if graph.is_out_channel_pruning_fn(dependency.handler) else 1]
            # A flattened image has several inputs per channel: all positions over the channels.
            side[layer] = len(positions) // len(scores)
    root = names[id(group[0].dep.target.module)]
    return Channels(layer=root, scores=scores, outputs=touched[0], inputs=touched[1])
