"""Lottery tickets: iterative pruning with rewinding."""

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
    Settings,
    TrainingState,
)
from safecompress_plugins.methods.dense_first import Done
from safecompress_plugins.methods.manifest import LotteryParams
from safecompress_plugins.methods.schedules import geometric
from safecompress_plugins.methods.thinning import check_thinning, largest_topology, magnitudes

__all__ = ["Lottery"]

REWOUND = "rewound"


class Lottery(Method):
    """Iterative magnitude pruning with rewinding.

    Each training starts from the same weights and optimizer state, and has the same batches.

    Source: Frankle & Carbin 2019, "The Lottery Ticket Hypothesis", section 1; rewinding to
    an epoch: Frankle et al. 2020, "Linear Mode Connectivity and the Lottery Ticket Hypothesis".
    """

    def __init__(self, params: LotteryParams) -> None:
        self._params = params

    def units(self) -> int:
        """Count the trainings: the dense one, and one after each pruning."""
        return self._params.iterations + 1

    def check(
        self,
        network: Classifier,
        recipe: Recipe,
        create: Callable[[Params], Any],
        architecture: Architecture,
    ) -> Iterator[Problem]:
        """Report a rewinding epoch without training after it, and layers without weights."""
        if self._params.rewind >= recipe.epochs:
            message = f"rewinding to epoch {self._params.rewind} of {recipe.epochs} leaves none"
            yield Problem(
                path=("rewind",), message=message, hint=f"write at most {recipe.epochs - 1}"
            )
        yield from check_thinning(self._params, network, recipe, least=1)

    def run(self, context: MethodContext) -> MethodOutcome:
        """Run all iterations, from the last checkpoint."""
        params, end = self._params, context.recipe.epochs
        settings = context.settings(params.defences)
        beginning = self._beginning(context, settings)
        phases = Phases(
            context,
            settings,
            count=self.units(),
            start=lambda: beginning.branch(settings),
        )

        def train(state: TrainingState) -> Done:
            context.trainer.train(state, until=end, topology_schedule=None, what="a lottery ticket")
            return state, {}

        def again(density: float) -> Callable[[TrainingState], Done]:
            def ticket(trained: TrainingState) -> Done:
                # Ranked by the trained weights, but trained again from the early ones.
                topology = largest_topology(magnitudes(trained), density, params.scope)
                return train(beginning.branch(settings, topology=topology))

            return ticket

        phases.do("train", train, epochs=end)
        # Geometric densities: each iteration prunes the same share of what is left.
        for number, density in enumerate(geometric(params.density, params.iterations), start=1):
            name = f"prune, rewind and train {number}"
            phases.do(name, again(density), epochs=end - params.rewind)
        return phases.outcome(rewound_to=params.rewind)

    def _beginning(self, context: MethodContext, settings: Settings) -> TrainingState:
        """Return the start of every training; stored, since all iterations need it."""
        rewind = self._params.rewind
        record = context.checkpoints.load(REWOUND) if rewind else None
        # A resumed run must rewind to the very same weights, hence the checkpoint.
        if record is not None:
            return context.restore_state(record[1][0], settings, epoch=rewind)
        state = context.new_state(context.create_network(), None, settings)
        if rewind:
            context.trainer.train(
                state, until=rewind, topology_schedule=None, what="the dense network"
            )
            context.checkpoints.save(REWOUND, {}, [state.tensors()])
        return state
