"""Random growth, at any position or at unexplored ones first."""

from collections.abc import Mapping

import torch
from torch import Tensor

from safecompress_core.toolkit import (
    Grow,
    History,
    Masks,
    Topology,
    TopologyError,
    Weights,
    flatten,
    random_positions,
    unflatten,
)
from safecompress_plugins.strategies.manifest import RandomGrowthParams

__all__ = ["RandomGrowth", "RandomUnfiredGrowth"]


class RandomGrowth(Grow):
    """Grows random inactive positions, exactly as many as were pruned."""

    def __init__(self, params: RandomGrowthParams) -> None:
        self._scope = params.scope

    def grow(
        self,
        topology: Topology,
        counts: Mapping[str, int],
        *,
        gradients: Weights | None,
        generator: torch.Generator,
        history: History | None = None,
    ) -> Masks:
        """See `Grow.grow`."""
        inactive = {name: ~mask for name, mask in topology.masks.items()}
        # Layer by layer in the topology's order, so that the generator's draws are reproducible.
        if self._scope == "layer":
            return {
                name: self.draw(
                    mask, counts[name], self.last_choices(name, mask, history), generator
                )
                for name, mask in inactive.items()
            }
        # One draw over all layers: every inactive position has the same probability.
        tried = flatten({name: self.last_choices(name, m, history) for name, m in inactive.items()})
        grown = self.draw(flatten(inactive), sum(counts.values()), tried, generator)
        return unflatten(grown, topology.shapes)

    def last_choices(self, name: str, inactive: Tensor, history: History | None) -> Tensor:
        """Return the positions of a layer that grow last; none here."""
        return torch.zeros_like(inactive)

    def draw(
        self, eligible: Tensor, count: int, tried: Tensor, generator: torch.Generator
    ) -> Tensor:
        """Draw eligible positions; tried ones only when there are no others."""
        fresh = eligible & ~tried
        missing = max(0, count - int(fresh.sum()))
        chosen = random_positions(fresh, count - missing, generator=generator)
        if not missing:
            # As for plain random growth: a single draw
            return chosen
        return chosen | random_positions(eligible & ~fresh, missing, generator=generator)


class RandomUnfiredGrowth(RandomGrowth):
    """Grows random positions that were never active; when these run out, any inactive ones.

    No rule explores more weights in the same number of updates (`TrainingState.explored`).

    Source: Liu et al. 2021, "Do We Actually Need Dense Over-Parameterization? In-Time
    Over-Parameterization in Sparse Training", ICML; the authors' code calls it ``random_unfired``.
    """

    needs_history = True

    def last_choices(self, name: str, inactive: Tensor, history: History | None) -> Tensor:
        """Return the positions of a layer that have been active before.

        Raises:
            TopologyError: if there is no history.
        """
        if history is None:
            raise TopologyError("growing at unexplored positions needs a history")
        return history.explored.masks[name]
