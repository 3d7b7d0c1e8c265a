"""Which weights of a dense network stay: exactly so many, the best by some value."""

from collections.abc import Iterator, Mapping
from typing import Literal

import torch
from torch import Tensor

from safecompress_core.toolkit import (
    Classifier,
    Flaw,
    Learner,
    Recipe,
    Topology,
    TopologyError,
    largest,
    largest_overall,
    uniform,
)
from safecompress_plugins.methods.manifest import ThinningParams

__all__ = ["Scope", "best", "kept", "magnitudes", "smallest_gone", "thinning_flaws"]

Scope = Literal["layer", "global"]


def kept(values: Mapping[str, Tensor], density: float, scope: Scope) -> Topology:
    """The topology of the weights with the largest values.

    Args:
        values: by layer, of each layer's shape.
        density: fraction of weights kept over all layers, in (0, 1].
        scope: ``global`` over all layers, of which each keeps one; ``layer`` the same fraction of
            each.

    Raises:
        TopologyError: if there are too few weights for every layer to have one.
    """
    return Topology.from_masks(best(values, density, scope))


def best(values: Mapping[str, Tensor], density: float, scope: Scope) -> dict[str, Tensor]:
    """The masks of `kept`, True where a weight stays, on the device of the values."""
    if scope == "global":
        total = sum(one.numel() for one in values.values())
        return largest_overall(values, round(density * total))
    counts = uniform({name: one.shape for name, one in values.items()}, density)
    return {
        name: largest(one, torch.ones_like(one, dtype=torch.bool), counts[name])
        for name, one in values.items()
    }


def magnitudes(learner: Learner) -> dict[str, Tensor]:
    """The absolute value of each sparsifiable weight, where topologies are chosen: on the CPU."""
    return {name: weight.detach().abs().cpu() for name, weight in learner.weights.items()}


def smallest_gone(learner: Learner, density: float, scope: Scope) -> Learner:
    """A copy that trains on with its largest weights alone."""
    topology = kept(magnitudes(learner), density, scope)
    return learner.branch(learner.settings, topology=topology)


def thinning_flaws(
    params: ThinningParams, network: Classifier, recipe: Recipe, *, least: int
) -> Iterator[Flaw]:
    """Why a network cannot be thinned out like that.

    Args:
        params: of the method.
        network: what is to be thinned out.
        recipe: how long it trains.
        least: epochs that the method needs, so that no phase of it is empty.
    """
    if recipe.epochs < least:
        message = f"training.epochs is {recipe.epochs}, and the method's phases need {least}"
        yield Flaw(field="type", message=message, mend=f"write training.epochs: {least}, or more")
    sizes = {name: one.detach().abs() for name, one in network.sparse_parameters().items()}
    try:
        kept(sizes, params.density, params.scope)
    except TopologyError as error:
        yield Flaw(field="density", message=str(error), mend="ask for more")
