"""Selection of a dense network's remaining weights: an exact number, ranked by a value."""

from collections.abc import Iterator, Mapping
from typing import Literal

from torch import Tensor

from safecompress_core.toolkit import (
    Classifier,
    Problem,
    Recipe,
    Topology,
    TopologyError,
    TrainingState,
    largest_by_layer,
    largest_overall,
    uniform,
)
from safecompress_plugins.methods.manifest import ThinningParams

__all__ = ["Scope", "best", "check_thinning", "largest_topology", "magnitudes", "without_smallest"]

Scope = Literal["layer", "global"]


def largest_topology(values: Mapping[str, Tensor], density: float, scope: Scope) -> Topology:
    """Return the topology of the weights with the largest values.

    Args:
        values: by layer, of each layer's shape.
        density: fraction of weights over all layers, in (0, 1].
        scope: ``global`` over all layers, with one weight each at least; ``layer`` the same
                fraction of each.

    Raises:
        TopologyError: if there are fewer weights than layers.
    """
    return Topology.from_masks(best(values, density, scope))


def best(values: Mapping[str, Tensor], density: float, scope: Scope) -> dict[str, Tensor]:
    """Return the masks of `largest_topology`, True for remaining weights, on the values' device."""
    if scope == "global":
        total = sum(value.numel() for value in values.values())
        return largest_overall(values, round(density * total))
    # uniform() rounds so that the layers' counts add up to the total exactly.
    counts = uniform({name: value.shape for name, value in values.items()}, density)
    return largest_by_layer(values, counts)


def magnitudes(state: TrainingState) -> dict[str, Tensor]:
    """Return absolute prunable weights, on the CPU, where all topologies are chosen."""
    # On one kind of device, so that ties and rounding do not depend on the training device.
    return {name: weight.detach().abs().cpu() for name, weight in state.weights.items()}


def without_smallest(state: TrainingState, density: float, scope: Scope) -> TrainingState:
    """Return a copy with the largest weights alone."""
    topology = largest_topology(magnitudes(state), density, scope)
    return state.branch(state.settings, topology=topology)


def check_thinning(
    params: ThinningParams, network: Classifier, recipe: Recipe, *, least: int
) -> Iterator[Problem]:
    """Yield reasons against pruning a network this way.

    Args:
        params: of the method.
        network: the one to prune.
        recipe: its training.
        least: minimum number of epochs, so that no phase is empty.
    """
    if recipe.epochs < least:
        message = f"training.epochs is {recipe.epochs}; the method has {least} phases"
        yield Problem(
            path=("type",), message=message, hint=f"write training.epochs: {least}, or more"
        )
    sizes = {name: one.detach().abs() for name, one in network.sparse_parameters().items()}
    try:
        largest_topology(sizes, params.density, params.scope)
    except TopologyError as error:
        yield Problem(path=("density",), message=str(error), hint="increase it")
