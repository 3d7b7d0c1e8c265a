"""Walks to N:M structured sparsity: at most n of every m consecutive weights are active."""

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
    """What a group has beyond n goes first, its smallest |w|; then the smallest |w| anywhere.

    Of all that groups have beyond n, the smallest |w| goes first; of a group's equal weights the
    first are among its n, as in the method ``n-m``. Groups are those of `largest_of_groups`.
    A layer whose inputs m does not divide has none (the method leaves it dense), and is pruned by
    magnitude alone.

    Source: Zhou et al. 2021, "Learning N:M Fine-grained Structured Sparse Neural Networks From
    Scratch", ICLR, section 3: what a group keeps are its n largest. 2:4 is that of Mishra et al.
    2021, "Accelerating Sparse Deep Neural Networks".
    """

    def __init__(self, params: NOfMPruningParams) -> None:
        self._scope = params.scope
        self._n, self._m = params.n, params.m

    def score(self, weight: Tensor, gradient: Tensor | None) -> Tensor:
        """|w|."""
        return weight.abs()

    def first(self, weight: Tensor, active: Tensor) -> Tensor:
        """What each group has beyond n."""
        if not divides(self._m, weight):
            return super().first(weight, active)
        sizes = torch.where(active, weight.abs(), -1.0)  # what is inactive is the last of a group
        return active & ~largest_of_groups(sizes, n=self._n, m=self._m)

    def facts(self, topology: Topology) -> Mapping[str, Any]:
        """The share of all groups that have at most n weights, if there is any group."""
        masks = [mask for mask in topology.masks.values() if divides(self._m, mask)]
        if not masks:
            return {}
        counts = torch.cat([active_of_groups(mask, m=self._m).flatten() for mask in masks])
        return {f"within_{self._n}_of_{self._m}": float((counts <= self._n).double().mean())}


class NOfMGrowth(Grow):
    """The largest |g| where a group has fewer than n weights left, and never more than n of it.

    Where these places do not suffice for what was lost, all of them grow, and the rest are the
    largest |g| of what else is inactive: counts are exact, and such a group has more than n. In a
    layer that has room for all its weights, which is one of a density of at most n / m, that
    happens on the way to N:M, or if n is more than half of m: a group that loses several weights
    has other places for m − n at most, since none of them comes back at once.

    Groups are those of `largest_of_groups`. A layer whose inputs m does not divide has none, and
    grows wherever |g| is largest.

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
        """See `Grow.grow`; of equally large gradients the first in memory order grow.

        Raises:
            TopologyError: if there are no gradients, or no history that says what was pruned.
        """
        if gradients is None or history is None:
            missing = "gradients" if gradients is None else "a history"
            raise TopologyError(f"growing within groups needs {missing}")
        sizes = {name: gradients[name].abs() for name in topology.masks}
        dropped = topology.completed(history.dropped)
        places = {
            name: self.places(sizes[name], mask, left=mask & ~dropped[name])
            for name, mask in topology.masks.items()
        }
        is_overall = self._scope == "global"
        return largest_inactive(sizes, topology, counts, is_overall=is_overall, first=places)

    def places(self, sizes: Tensor, active: Tensor, *, left: Tensor) -> Tensor:
        """The inactive positions that would all fit into their groups, the largest of each.

        Args:
            sizes: |g| of a layer.
            active: before pruning; none of these may grow.
            left: what is active after it.
        """
        if not divides(self._m, sizes):
            return ~active
        # What is left takes its places before anything grows, and what has just gone none at all.
        ranked = torch.where(left, torch.inf, torch.where(active, -torch.inf, sizes))
        return largest_of_groups(ranked, n=self._n, m=self._m) & ~active
