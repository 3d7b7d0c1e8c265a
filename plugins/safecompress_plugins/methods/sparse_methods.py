"""Sparse training without tests, for comparison with test-driven training."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from safecompress_core.api import Params, SparseTrainingParams
from safecompress_core.toolkit import (
    Architecture,
    Classifier,
    Method,
    MethodContext,
    MethodOutcome,
    Phases,
    Problem,
    Recipe,
    SparseTraining,
    TrainingState,
)
from safecompress_plugins.methods.manifest import GraspParams, RiglParams, SetParams, SnipParams
from safecompress_plugins.strategies.manifest import GraspInitialParams, SnipInitialParams

__all__ = ["Dynamic", "Grasp", "Snip"]


class FromInitial(Method):
    """A sparse network, trained from its initial topology to the end."""

    def __init__(self, training: SparseTraining) -> None:
        self._training = training

    def units(self) -> int:
        """Count the models: one."""
        return 1

    def check(
        self,
        network: Classifier,
        recipe: Recipe,
        create: Callable[[Params], Any],
        architecture: Architecture,
    ) -> Iterator[Problem]:
        """Report layers without a weight."""
        return self._training.check(network, create)

    def run(self, context: MethodContext) -> MethodOutcome:
        """Train, or load the result of an earlier run."""
        settings = self._training.settings(context)
        end = context.recipe.epochs

        def train(state: TrainingState) -> tuple[TrainingState, Mapping[str, Any]]:
            # Built per call: the schedule of updates keeps state of its own.
            topology_schedule = self._training.topology_schedule(context)
            context.trainer.train(
                state, until=end, topology_schedule=topology_schedule, what="the sparse network"
            )
            return state, {}

        phases = Phases(
            context,
            settings,
            count=self.units(),
            start=lambda: self._training.create_state(context, settings),
        )
        phases.do("sparse training", train, epochs=end)
        return phases.outcome(**self._training.facts(context, phases.state))


class Dynamic(FromInitial):
    """Topology updates by one prune and one grow rule: RigL and SET, by their defaults.

    The same as ``test-driven`` in a single round, with one strategy and no tests.

    Source: Evci et al. 2020, "Rigging the Lottery", Algorithm 1; Mocanu et al. 2018, "Scalable
    training of artificial neural networks with adaptive sparse connectivity", Algorithm 1.
    """

    def __init__(self, params: RiglParams | SetParams) -> None:
        super().__init__(SparseTraining(params, [(params.prune, params.grow)]))


def _still(density: float, defences: list[Params], initial: Params) -> SparseTraining:
    """Build sparse training with a fixed topology."""
    # update_every=0: the initial topology is final.
    params = SparseTrainingParams(
        density=density, defences=defences, initial=initial, update_every=0
    )
    return SparseTraining(params, ())


class Snip(FromInitial):
    """Trains the initial topology ``snip``."""

    def __init__(self, params: SnipParams) -> None:
        initial = SnipInitialParams(batches=params.batches)
        super().__init__(_still(params.density, params.defences, initial))


class Grasp(FromInitial):
    """Trains the initial topology ``grasp``."""

    def __init__(self, params: GraspParams) -> None:
        initial = GraspInitialParams(batches=params.batches)
        super().__init__(_still(params.density, params.defences, initial))
