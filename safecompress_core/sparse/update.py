"""One update of a topology: prune some weights, grow exactly as many elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from safecompress_core.errors import TopologyError
from safecompress_core.sparse.strategy import Grow, History, Prune, Weights
from safecompress_core.sparse.topology import Masks, Topology

__all__ = ["TopologyUpdate", "update_topology"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TopologyUpdate:
    """Weights that an update has dropped and grown.

    Attributes:
        topology: after the update, of the same density as before.
        dropped: the weights that are gone, for every layer.
        grown: the weights that took their place, for every layer.
    """

    topology: Topology
    dropped: Masks
    grown: Masks


def update_topology(
    weights: Weights,
    topology: Topology,
    *,
    prune: Prune,
    grow: Grow,
    fraction: float,
    gradients: Weights | None,
    generator: torch.Generator,
    prune_gradients: Weights | None = None,
    history: History | None = None,
) -> TopologyUpdate:
    """Prune, then grow as many; what the plugins answer is checked and not merely trusted.

    The choice is made on the CPU, so that it does not depend on the device that trains.

    Args:
        weights: the current weights, one for each layer of ``topology``.
        topology: before the update; never changed.
        prune: chooses what is dropped.
        grow: chooses what is grown.
        fraction: the scheduled share of active weights to replace, in [0, 1].
        gradients: dense gradients of the loss; required if ``grow`` asks for them.
        generator: what random choices are drawn from.
        prune_gradients: the same for ``prune``, which may ask for other batches.
        history: of the training so far; required if ``grow`` asks for it.

    Raises:
        TopologyError: if weights, gradients or a plugin's answer do not fit; the message says what
            is wrong and, where a plugin is at fault, names its class.
    """
    if not 0 <= fraction <= 1:
        raise TopologyError(f"the update fraction is in [0, 1], not {fraction}")
    for part, given in ((prune, prune_gradients), (grow, gradients)):
        # A rule without gradients would fail inside the plugin, which would be blamed for it.
        if part.gradient_batches and given is None:
            raise TopologyError(f"{type(part).__name__} needs gradients, but there are none")
    weights = _on_cpu(topology, weights, what="weights")
    gradients = None if gradients is None else _on_cpu(topology, gradients, what="gradients")
    # What is not asked for is not given, so that a rule need not know of the argument.
    slope: dict[str, Any] = {}
    if prune.gradient_batches and prune_gradients is not None:
        slope = {"gradients": _on_cpu(topology, prune_gradients, what="gradients")}
    seen = _copy_history(topology, grow, history) if grow.needs_history else None
    # Plugins get a copy: one that writes into a mask must not change what its answer is checked by.
    shown = Topology.from_masks(topology.masks)

    dropped = _answer(topology, prune, prune.drop(weights, shown, fraction=fraction, **slope))
    counts = {name: int(mask.count_nonzero()) for name, mask in dropped.items()}
    for name, limit in topology.replaceable().items():
        if counts[name] > limit:
            raise TopologyError(
                f"{type(prune).__name__} dropped {counts[name]} weights of {name}, "
                f"where {limit} can be replaced"
            )
    past: dict[str, Any] = {}
    if seen is not None:
        # Another copy, since `dropped` is compared with the result below.
        lost = {name: mask.clone() for name, mask in dropped.items()}
        past = {"history": replace(seen, dropped=lost)}
    grown = grow.grow(shown, counts, gradients=gradients, generator=generator, **past)
    grown = _answer(topology, grow, grown)
    try:
        after = topology.replace(dropped, grown)
    except TopologyError as error:
        names = f"{type(prune).__name__} and {type(grow).__name__}"
        raise TopologyError(f"{names} do not fit: {error}") from None
    # Guaranteed by `replace`; stated here as the invariant of the module.
    assert after.total_active == topology.total_active, "an update keeps the density"
    return TopologyUpdate(topology=after, dropped=dropped, grown=grown)


def _copy_history(topology: Topology, grow: Grow, history: History | None) -> History:
    """The history as a rule may see it: on the CPU, and its own copy."""
    # Checked here, so that rules need not handle a missing history.
    if history is None or (grow.needs_momentum and history.momentum is None):
        what = "a history" if history is None else "momentum"
        raise TopologyError(f"{type(grow).__name__} needs {what}, but there is none")
    momentum = None
    if grow.needs_momentum:
        assert history.momentum is not None  # see above
        momentum = _on_cpu(topology, history.momentum, what="momentum")
    return History(explored=Topology.from_masks(history.explored.masks), momentum=momentum)


def _on_cpu(topology: Topology, tensors: Weights, *, what: str) -> dict[str, Tensor]:
    """The tensors of the topology's layers, in its order."""
    topology.require_match(tensors, what=what)
    # In the topology's order: random growth goes through layers in it.
    return {name: tensors[name].detach().cpu() for name in topology.masks}


def _answer(topology: Topology, plugin: object, masks: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A plugin's masks, complete and on the CPU."""
    try:
        return topology.complete(masks)
    except TopologyError as error:
        raise TopologyError(f"{type(plugin).__name__}: {error}") from None
