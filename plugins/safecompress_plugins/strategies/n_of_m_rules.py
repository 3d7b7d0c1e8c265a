"""Topology updates towards N:M structured sparsity: at most n active of every m weights."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from safecompress_core.toolkit import Grow, History, Masks, Topology, TopologyError, Weights
from safecompress_plugins.strategies.gradient_growth import largest_inactive
from safecompress_plugins.strategies.groups import active_of_groups, divides, largest_of_groups
from safecompress_plugins.strategies.manifest import NOfMGrowthParams, NOfMPruningParams
from safecompress_plugins.strategies.scored_pruning import ByScore

__all__ = ["NOfMGrowth", "NOfMPruning"]


class NOfMPruning(ByScore):
    """Prunes weights beyond n of a group first, the smallest |w|; then the smallest |w| anywhere.

    Of all weights beyond n, the smallest |w| goes first; of a group's ties the first are among its
    n, as in the method ``n-m``. Groups are those of `largest_of_groups`. A layer whose inputs m
    does not divide has none (the method leaves it dense), and is pruned by magnitude alone.

    Source: Zhou et al. 2021, "Learning N:M Fine-grained Structured Sparse Neural Networks From
    Scratch", ICLR, section 3: a group keeps its n largest. 2:4 is that of Mishra et al. 2021,
    "Accelerating Sparse Deep Neural Networks".
    """

    def __init__(self, params: NOfMPruningParams) -> None:
        self._scope = params.scope
        self._n, self._m = params.n, params.m

    def score(self, weight: Tensor, gradient: Tensor | None) -> Tensor:
        """Return |w|."""
        return weight.abs()

    def first(self, weight: Tensor, active: Tensor) -> Tensor:
        """Select each group's weights beyond n."""
        if not divides(self._m, weight):
            return super().first(weight, active)
        sizes = torch.where(active, weight.abs(), -1.0)  # inactive weights rank last in a group
        return active & ~largest_of_groups(sizes, n=self._n, m=self._m)

    def facts(self, topology: Topology) -> Mapping[str, Any]:
        """Report the share of groups with at most n weights, if there are groups."""
        # Layers without groups would count as conforming, and hide the others.
        masks = [mask for mask in topology.masks.values() if divides(self._m, mask)]
        if not masks:
            return {}
        counts = torch.cat([active_of_groups(mask, m=self._m).flatten() for mask in masks])
        return {f"within_{self._n}_of_{self._m}": float((counts <= self._n).double().mean())}


class NOfMGrowth(Grow):
    """Grows the largest |g| in groups with fewer than n weights left.

    Where these positions do not suffice, all of them grow, and the rest are the largest |g| of
    other inactive ones: counts are exact, and such a group has more than n. In a layer with density
    of at most n / m this occurs on the way to N:M, or if n is more than half of m: a group that
    loses several weights has at most m − n other positions, since a pruned weight does not return
    at once.

    Groups are those of `largest_of_groups`. A layer whose inputs m does not divide has none, and
    grows the largest |g|.

    Source: Zhou et al. 2021, "Learning N:M Fine-grained Structured Sparse Neural Networks From
    Scratch", ICLR, section 3, for the groups; Evci et al. 2020, "Rigging the Lottery", Algorithm 1,
    for the gradient.
    """

    needs_history = True

    def __init__(self, params: NOfMGrowthParams) -> None:
        self._scope = params.scope
        self._n, self._m = params.n, params.m
        self.gradient_batches = params.batches

    def grow(
        self,
        topology: Topology,
        counts: Mapping[str, int],
        *,
        gradients: Weights | None,
        generator: torch.Generator,
        history: History | None = None,
    ) -> Masks:
        """See `Grow.grow`; ties grow the first in memory order.

        Raises:
            TopologyError: if there are no gradients, or no history that says what was pruned.
        """
        if gradients is None or history is None:
            missing = "gradients" if gradients is None else "a history"
            raise TopologyError(f"growing within groups needs {missing}")
        # Magnitudes only: a new weight starts at 0 and may move either way.
        sizes = {name: gradients[name].abs() for name in topology.masks}
        # Layers without any pruned weight are absent from the history; completed() adds empty
        # masks.
        dropped = topology.complete(history.dropped)
        places = {
            name: self.places(sizes[name], mask, left=mask & ~dropped[name])
            for name, mask in topology.masks.items()
        }
        is_overall = self._scope == "global"
        return largest_inactive(sizes, topology, counts, is_overall=is_overall, first=places)

    def places(self, sizes: Tensor, active: Tensor, *, left: Tensor) -> Tensor:
        """Select the largest inactive positions that fit into their groups.

        Args:
            sizes: |g| of a layer.
            active: before pruning; none of these may grow.
            left: active after pruning.
        """
        if not divides(self._m, sizes):
            return ~active
        # Remaining weights take their positions first (∞), and pruned ones none (−∞).
        ranked = torch.where(left, torch.inf, torch.where(active, -torch.inf, sizes))
        return largest_of_groups(ranked, n=self._n, m=self._m) & ~active
