"""Test-driven compression: a race of lineages, tested in every round, then candidates of the last.

::

    field ← lineages spread over what the strategies open
    repeat rounds:   train the field ▸ few left? derive candidates ▸ test ▸ choose the next field

- A lineage is a model and its swap twin, trained in the same way from their first step.
- A round's epochs are split between training and fine-tuning where candidates are derived, so that
  the final model has been trained for exactly as many epochs as any other method's.
- With one lineage and no twins it is Algorithm 1 of the papers.

Source: Zhu, Wang & Han 2022, "Safety and Performance, Why Not Both?", ASE, Algorithm 1; Jamieson &
Talwalkar 2016, "Non-stochastic Best Arm Identification and Hyperparameter Optimization", AISTATS.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from safecompress_core.api import Params
from safecompress_core.choose.archive import Archive
from safecompress_core.methods.architecture import Architecture
from safecompress_core.methods.lineages.lineage_settings import LineageSettings
from safecompress_core.methods.lineages.lineage_training import LineageTraining
from safecompress_core.methods.lineages.replay import LineagePath, replay_path
from safecompress_core.methods.method import (
    Method,
    MethodContext,
    MethodOutcome,
    MethodPart,
    Recipe,
)
from safecompress_core.methods.sparse_training import SparseTraining
from safecompress_core.methods.test_driven.candidates import candidate_specs
from safecompress_core.methods.test_driven.field import draw_field
from safecompress_core.methods.test_driven.lineage_parts import do_lineage_part
from safecompress_core.methods.test_driven.params import TestDrivenParams
from safecompress_core.methods.test_driven.replay import read_path
from safecompress_core.methods.test_driven.round_work import RoundWork
from safecompress_core.methods.test_driven.state import (
    LoopState,
    resume_lineage,
    resume_state,
    save_state,
)
from safecompress_core.networks.classifier import Classifier
from safecompress_core.problems import Problem
from safecompress_core.training.settings import Settings
from safecompress_core.training.training_state import TrainingState

__all__ = ["TestDriven"]


class TestDriven(Method):
    """SafeCompress's own method."""

    __test__ = False  # no test class, whatever its name makes pytest believe

    def __init__(self, params: TestDrivenParams) -> None:
        self._params = params
        self._candidate_specs = candidate_specs(params.strategies, keep=params.keep)
        rules = [(strategy.prune, strategy.grow) for strategy in params.strategies]
        self._training = SparseTraining(params, rules, starts=True)

    def units(self) -> int:
        """Each round trains lineages, and tests these or what is derived from them."""
        return self._units(self._params.rounds)

    def _units(self, rounds: int) -> int:
        every = self._params.timetable(epochs=0)  # how many models there are depends on no epoch
        return sum(round_.lineages + round_.candidates for round_ in every[:rounds])

    def run(self, context: MethodContext) -> MethodOutcome:
        """All rounds, from the last one that a checkpoint holds."""
        training = self._lineage_training(context)
        settings = self._training.settings(context)
        state = resume_state(training, settings, rounds=self._params.rounds)
        if state is None:
            state = self._start(training, settings)
        context.events.advance(self._units(len(state.rounds)))
        # Finished rounds are no work left, so the estimate of the time must not count them.
        self._skip(context, state)
        while len(state.rounds) < self._params.rounds:
            state = RoundWork(self._params, self._candidate_specs, training, state).run()
            save_state(context, state)
        # Lineages are sorted by the aggregator's preference, so the first one is the result.
        best = state.lineages[0]
        path = read_path(
            state.rounds,
            best.id,
            drawn=self._field(context, settings)[best.number - 1],
            timetable=self._params.timetable(context.recipe.epochs),
        )
        return MethodOutcome(
            chosen=best.state,
            chosen_id=best.id,
            rounds=state.rounds,
            archive=state.archive,
            facts=self._training.facts(context, best.state, start=best.start),
            lineage=path.to_json(),
        )

    def do_part(self, context: MethodContext, part: MethodPart) -> None:
        """Train and test one lineage of a round, as the round before has left it."""
        training = self._lineage_training(context)
        settings, facts = self._training.settings(context), part.facts
        rounds: tuple[dict[str, Any], ...] = ()
        if facts["round"] == 1:
            drawn = self._field(context, settings)[facts["lineage"] - 1]
            lineage = training.start(facts["lineage"], drawn)
        else:
            lineage, rounds = resume_lineage(
                training, settings, rounds=facts["round"] - 1, position=facts["position"]
            )
        archive = Archive(weights=tuple(context.evaluator.weights.tolist()))
        state = LoopState(lineages=(lineage,), rounds=rounds, archive=archive)
        work = RoundWork(self._params, self._candidate_specs, training, state)
        do_lineage_part(training, part, work.test_lineage, lineage)

    def _lineage_training(self, context: MethodContext) -> LineageTraining:
        return LineageTraining(
            context,
            self._training,
            twins=self._params.twins,
            test_finished=self._params.test_finished,
        )

    def replay(self, context: MethodContext, lineage: Mapping[str, Any]) -> TrainingState:
        """Train the chosen model again: one model, no candidates, no tests."""
        return replay_path(context, self._training, LineagePath.from_json(lineage))

    def _skip(self, context: MethodContext, state: LoopState) -> None:
        """Take off what an earlier attempt has trained and attacked."""
        every = self._params.timetable(context.recipe.epochs)[: len(state.rounds)]
        tested = [candidate for round_ in state.rounds for candidate in round_["candidates"]]
        context.events.skip(
            epochs=sum(round_.epochs for round_ in every) * self._params.models,
            attacks=sum(len(candidate["attacks"]) for candidate in tested),
        )

    def check(
        self,
        network: Classifier,
        recipe: Recipe,
        create: Callable[[Params], Any],
        architecture: Architecture,
    ) -> Iterator[Problem]:
        """Each round needs an epoch, and each layer a weight."""
        rounds = self._params.rounds
        left = recipe.epochs - self._params.epochs_before_tests(recipe.epochs)
        if rounds > left:
            message = f"{rounds} rounds do not fit into the {left} training.epochs that are theirs"
            hint = f"write at most {left}" if left else "lower method.tests_from"
            yield Problem(path=("rounds",), message=message, hint=hint)
        changes = [strategy.set for strategy in self._params.strategies]
        yield from self._training.check(network, create, changes)

    def _start(self, training: LineageTraining, written: Settings) -> LoopState:
        context = training.context
        field = self._field(context, written)
        lineages = tuple(training.start(number, drawn) for number, drawn in enumerate(field, 1))
        # A candidate that cannot branch shall fail now, not after a round.
        for candidate_spec in self._candidate_specs:
            changed = candidate_spec.settings(written)
            if candidate_spec.changes and changed is not None:
                lineages[0].state.branch(changed)
        archive = Archive(weights=tuple(context.evaluator.weights.tolist()))
        return LoopState(lineages=lineages, rounds=(), archive=archive)

    def _field(self, context: MethodContext, written: Settings) -> tuple[LineageSettings, ...]:
        """Return the settings that lineages begin with; the same at every call."""
        return draw_field(
            self._params.open_settings,
            written,
            self._params.widths[0],
            rule_names=[strategy.describe() for strategy in self._params.strategies],
            generator=context.seed.child("field").numpy(),
        )
