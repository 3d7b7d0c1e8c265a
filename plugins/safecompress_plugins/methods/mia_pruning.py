"""MIA-Pruning: ADMM regularises a network towards a sparse one during training."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from safecompress_core.api import Params
from safecompress_core.toolkit import (
    Architecture,
    Classifier,
    Defence,
    Method,
    MethodContext,
    MethodOutcome,
    Phases,
    Problem,
    Recipe,
    Step,
    TrainingState,
)
from safecompress_plugins.methods.dense_first import DENSE, Done
from safecompress_plugins.methods.manifest import MiaPruningParams
from safecompress_plugins.methods.schedules import boundaries
from safecompress_plugins.methods.thinning import Scope, best, check_thinning, without_smallest

__all__ = ["AugmentedLagrangian", "MiaPruning"]

RETRAINED = "the pruned network"


class AugmentedLagrangian(Defence):
    """The penalty between weights W and the sparse Z, and the updates of Z and the dual U.

    ::

        W ← argmin  loss(W) + ρ/2 · Σ ‖W − Z + U‖²       (training)
        Z ← Π(W + U)                                     (all but the largest entries set to 0)
        U ← U + W − Z

    Source: Wang et al. 2021, "Against Membership Inference Attack: Pruning is All You Need";
    the updates are those of Zhang et al. 2018, "A Systematic DNN Weight Pruning Framework using
    Alternating Direction Method of Multipliers", with the scaled dual variable.

    Args:
        weights: the current ones; Z starts at their projection, U at 0.
        rho: ρ.
        density: fraction of Z's entries that are not 0.
        scope: of the ranking of weights.
    """

    def __init__(
        self, weights: Mapping[str, Tensor], *, rho: float, density: float, scope: Scope
    ) -> None:
        super().__init__()
        self._rho = rho
        self._density = density
        self._scope = scope
        self.dual = {name: torch.zeros_like(weight) for name, weight in weights.items()}
        # Detached: Z is a constant of the penalty, not a function of W.
        self.sparse = self._project({name: weight.detach() for name, weight in weights.items()})

    def loss(self, step: Step, loss: Tensor) -> Tensor:
        """Add the penalty to the loss."""
        distances = [
            (weight - self.sparse[name] + self.dual[name]).square().sum()
            for name, weight in step.weights.items()
        ]
        return loss + self._rho / 2 * torch.stack(distances).sum()

    def update(self, weights: Mapping[str, Tensor]) -> float:
        """Update Z, then U, for the current weights.

        Returns:
            The primal residual ‖W − Z‖ / ‖W‖, 0 for a network that is sparse enough.
        """
        now = {name: weight.detach() for name, weight in weights.items()}
        # Z before U: the order of ADMM, with the dual of the previous step.
        self.sparse = self._project({name: w + self.dual[name] for name, w in now.items()})
        apart = {name: w - self.sparse[name] for name, w in now.items()}
        self.dual = {name: self.dual[name] + gap for name, gap in apart.items()}
        return _norm(apart) / _norm(now)

    def _project(self, values: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Project (Π) onto the nearest tensors with that number of entries."""
        sizes = {name: value.abs() for name, value in values.items()}
        # An exact number of entries, as for every topology: ties do not change the density.
        masks = best(sizes, self._density, self._scope)
        return {name: value * masks[name] for name, value in values.items()}


class MiaPruning(Method):
    """Dense training, training with the augmented Lagrangian, projection, masked retraining."""

    def __init__(self, params: MiaPruningParams) -> None:
        self._params = params

    def units(self) -> int:
        """Count the phases."""
        return 3

    def check(
        self,
        network: Classifier,
        recipe: Recipe,
        create: Callable[[Params], Any],
        architecture: Architecture,
    ) -> Iterator[Problem]:
        """Report phases without an epoch, and layers without a weight."""
        return check_thinning(self._params, network, recipe, least=self.units())

    def run(self, context: MethodContext) -> MethodOutcome:
        """Run all phases, from the last checkpoint."""
        params, train, end = self._params, context.trainer.train, context.recipe.epochs
        first, last = boundaries(end, params.pretrain, params.until)
        phases = Phases.of_dense(context, params.defences, count=self.units())

        # Pretraining and ADMM share one schedule; only retraining starts at the full rate again.
        def pretrain(state: TrainingState) -> Done:
            train(state, until=first, topology_schedule=None, what=DENSE, phase=(0, last))
            return state, {}

        def draw(state: TrainingState) -> Done:
            lagrangian = AugmentedLagrangian(
                state.weights, rho=params.rho, density=params.density, scope=params.scope
            )
            residuals = []
            # The last update falls on the phase's end, whatever the interval.
            for epoch in (*range(first + params.update_every, last, params.update_every), last):
                train(
                    state,
                    until=epoch,
                    topology_schedule=None,
                    what=DENSE,
                    phase=(0, last),
                    method_defences=[lagrangian],
                )
                residuals.append({"epoch": epoch, "residual": lagrangian.update(state.weights)})
            return state, {"residuals": residuals}

        def retrain(state: TrainingState) -> Done:
            pruned = without_smallest(state, params.density, params.scope)
            train(pruned, until=end, topology_schedule=None, what=RETRAINED, phase=(last, end))
            return pruned, {}

        phases.do("pretrain", pretrain, epochs=first)
        phases.do("ADMM", draw, epochs=last - first)
        phases.do("prune and retrain", retrain, epochs=end - last)
        return phases.outcome()


def _norm(tensors: Mapping[str, Tensor]) -> float:
    """Return the Euclidean norm over all layers."""
    return math.sqrt(sum(float(tensor.double().square().sum()) for tensor in tensors.values()))
