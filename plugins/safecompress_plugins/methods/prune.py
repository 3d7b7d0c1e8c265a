"""Magnitude pruning: train dense, prune the smallest weights, fine-tune the rest."""

from collections.abc import Callable, Iterator
from typing import Any

from safecompress_core.api import Params
from safecompress_core.toolkit import (
    Architecture,
    Classifier,
    Method,
    MethodContext,
    MethodOutcome,
    Phases,
    Problem,
    Recipe,
    TrainingState,
)
from safecompress_plugins.methods.dense_first import DENSE, Done, train_change_finetune
from safecompress_plugins.methods.manifest import PruneParams
from safecompress_plugins.methods.schedules import Cubic, boundaries
from safecompress_plugins.methods.thinning import check_thinning, without_smallest

__all__ = ["PruneAndFinetune"]

PRUNED = "the pruned network"


class PruneAndFinetune(Method):
    """One-shot pruning, or gradual pruning with the cubic schedule.

    One-shot pruning has its own learning-rate schedule for fine-tuning; gradual pruning follows
    that of the whole run.

    Source: Han et al. 2015, "Learning both Weights and Connections for Efficient Neural Networks",
    section 3; Zhu & Gupta 2017, "To Prune, or Not to Prune", section 3.
    """

    def __init__(self, params: PruneParams) -> None:
        self._params = params
        self._is_gradual = params.schedule == "cubic"

    def units(self) -> int:
        """Count the phases."""
        return 3 if self._is_gradual else 2

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
        phases = Phases.of_dense(context, self._params.defences, count=self.units())
        if self._is_gradual:
            self._gradually(context, phases)
        else:
            self._at_once(context, phases)
        return phases.outcome()

    def _at_once(self, context: MethodContext, phases: Phases) -> None:
        params = self._params

        def prune(state: TrainingState) -> Done:
            return without_smallest(state, params.density, params.scope), {}

        train_change_finetune(
            context,
            phases,
            prune,
            pretrain=params.pretrain,
            name="prune and fine-tune",
            what=PRUNED,
        )

    def _gradually(self, context: MethodContext, phases: Phases) -> None:
        params, train, end = self._params, context.trainer.train, context.recipe.epochs
        first, last = boundaries(end, params.pretrain, params.until)
        schedule = Cubic(start=first, end=last, density=params.density)

        def pretrain(state: TrainingState) -> Done:
            train(state, until=first, topology_schedule=None, what=DENSE)
            return state, {}

        def prune(state: TrainingState) -> Done:
            steps = []
            # Each step trains first: the schedule's density holds after that epoch.
            for epoch in schedule.steps(params.every):
                train(state, until=epoch, topology_schedule=None, what=PRUNED)
                state = without_smallest(state, schedule.at(epoch), params.scope)
                # Rounded counts: the density reached differs slightly from the schedule's.
                steps.append({"epoch": epoch, "density": state.density})
            return state, {"steps": steps}

        def finetune(state: TrainingState) -> Done:
            train(state, until=end, topology_schedule=None, what=PRUNED)
            return state, {}

        phases.do("pretrain", pretrain, epochs=first)
        phases.do("prune gradually", prune, epochs=last - first)
        phases.do("fine-tune", finetune, epochs=end - last)
