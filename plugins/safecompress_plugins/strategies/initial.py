"""Initial topologies: a rule for each layer's number of weights, and one for positions."""

from abc import abstractmethod
from collections.abc import Mapping

import torch
from torch import Tensor

from safecompress_core.api import InitialParams
from safecompress_core.toolkit import (
    Initial,
    LossGradients,
    Topology,
    Weights,
    erdos_renyi,
    largest,
    random_positions,
    uniform,
)

__all__ = ["ErdosRenyi", "ErdosRenyiKernel", "Uniform"]

Shapes = Mapping[str, torch.Size]


class AllocatedInitial(Initial):
    """Exact counts per layer; the largest inherited weights, or random positions."""

    def __init__(self, params: InitialParams) -> None:
        """Accept the parameters: inheriting weights is handled by the caller."""

    @abstractmethod
    def counts(self, shapes: Shapes, density: float) -> dict[str, int]:
        """Return the number of weights of each layer."""

    def topology(
        self,
        weights: Weights,
        density: float,
        *,
        inherited: bool,
        generator: torch.Generator,
        loss_gradients: LossGradients | None = None,
    ) -> Topology:
        """See `Initial.topology`; ties keep the first in memory order."""
        counts = self.counts({name: weight.shape for name, weight in weights.items()}, density)

        def positions(name: str, weight: Tensor) -> Tensor:
            anywhere = torch.ones_like(weight, dtype=torch.bool)
            # Inherited weights carry information in their size; fresh ones do not, so positions are
            # random.
            if inherited:
                return largest(weight.detach().abs(), anywhere, counts[name])
            return random_positions(anywhere, counts[name], generator=generator)

        return Topology.from_masks({name: positions(name, w) for name, w in weights.items()})


class ErdosRenyi(AllocatedInitial):
    """Density of a layer in proportion to (n_in + n_out) / (n_in·n_out)."""

    def counts(self, shapes: Shapes, density: float) -> dict[str, int]:
        """Allocate without kernel dimensions."""
        return erdos_renyi(shapes, density, kernel=False)


class ErdosRenyiKernel(AllocatedInitial):
    """Density of a layer in proportion to (n_in + n_out + w + h) / (n_in·n_out·w·h)."""

    def counts(self, shapes: Shapes, density: float) -> dict[str, int]:
        """Allocate with kernel dimensions."""
        return erdos_renyi(shapes, density, kernel=True)


class Uniform(AllocatedInitial):
    """The same density in every layer."""

    def counts(self, shapes: Shapes, density: float) -> dict[str, int]:
        """Allocate in proportion to size."""
        return uniform(shapes, density)
