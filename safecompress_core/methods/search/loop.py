"""Search: what a user would do instead of a race, train whole models and keep the best.

::

    repeat while a whole training can be paid for:
        propose settings, of one trial or several ▸ for each:
            train model and swap twin ▸ test at each report ▸ prune?
    choose among the finished trials as a race ranks its last lineages

Settings come from the strategies that a race is spread over, and tests are those of a race; what
differs is that a trial is trained by itself, and that proposals learn from the trials before.

Source: Akiba et al. 2019, "Optuna: A Next-generation Hyperparameter Optimization Framework", KDD;
Bergstra et al. 2011, "Algorithms for Hyper-Parameter Optimization" (TPE); Deb et al. 2002, "A Fast
and Elitist Multiobjective Genetic Algorithm: NSGA-II"; Li et al. 2020, "A System for Massively
Parallel Hyperparameter Tuning" (successive halving without waiting).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import optuna

from safecompress_core.api import Params
from safecompress_core.choose.archive import Archive, ArchiveEntry
from safecompress_core.methods.architecture import Architecture
from safecompress_core.methods.lineages.lineage_training import LineageTraining, TestedPair
from safecompress_core.methods.lineages.model_figures import objectives_of
from safecompress_core.methods.lineages.replay import LineagePath, PathStep, replay_path
from safecompress_core.methods.method import (
    Method,
    MethodContext,
    MethodOutcome,
    MethodPart,
    Recipe,
)
from safecompress_core.methods.search.params import SearchParams
from safecompress_core.methods.search.records import FieldOfTrials
from safecompress_core.methods.search.space import SearchSpace
from safecompress_core.methods.search.study import SAMPLERS, OpenTrial, TrialStudy
from safecompress_core.methods.search.trial_parts import do_trial_part, train_trials_elsewhere
from safecompress_core.methods.search.trial_work import TrialWork
from safecompress_core.methods.search.trials import Trial, load_trials, restore_model, save_trial
from safecompress_core.methods.sparse_training import SparseTraining
from safecompress_core.networks.classifier import Classifier
from safecompress_core.problems import Problem
from safecompress_core.training.training_state import TrainingState

__all__ = ["Search"]


class Search(Method):
    """Trains whole models with settings that a sampler proposes."""

    def __init__(self, params: SearchParams) -> None:
        self._params = params
        rules = [(strategy.prune, strategy.grow) for strategy in params.strategies]
        self._training = SparseTraining(params, rules, starts=True)

    @property
    def _reports(self) -> int:
        return len(self._params.report_epochs(1))

    def units(self) -> int:
        """Each trial is tested at each report, if none is pruned."""
        return self._params.trials * self._reports

    def check(
        self,
        network: Classifier,
        recipe: Recipe,
        create: Callable[[Params], Any],
        architecture: Architecture,
    ) -> Iterator[Problem]:
        """The sampler exists, each report has an epoch, and each layer a weight."""
        if not hasattr(optuna.samplers, SAMPLERS[self._params.sampler]):
            names = [name for name, known in SAMPLERS.items() if hasattr(optuna.samplers, known)]
            yield Problem(
                path=("sampler",),
                message=f"optuna {optuna.__version__} has no {SAMPLERS[self._params.sampler]}",
                hint=f"write {' or '.join(names)}",
            )
        if self._reports > recipe.epochs:
            yield Problem(
                path=("reports",),
                message=f"{self._reports} reports do not fit into {recipe.epochs} training.epochs",
                hint=f"write at most {recipe.epochs}",
            )
        changes = [strategy.set for strategy in self._params.strategies]
        yield from self._training.check(network, create, changes)

    def run(self, context: MethodContext) -> MethodOutcome:
        """All trials, from the last one that was kept."""
        written = self._training.settings(context)
        training, study = self._lineage_training(context), self._study(context)
        trials = load_trials(context, written)
        # A killed run may have neither stored nor dropped its last.
        self._complete_archive(context, trials)
        tested = sum(len(trial.tests) for trial in trials)
        context.events.advance(self.units() - self._units_left(trials))
        self._skip(context, epochs=self._trained(trials), tests=tested)
        while pending := self._propose(context, study, trials):
            if context.do_parts is None or len(pending) == 1:
                trials = self._train_here(training, study, trials, pending)
            else:
                trials = self._train_elsewhere(context, context.do_parts, trials, pending)
        self._skip_rest(context, trials)
        return self._outcome(context, trials)

    def do_part(self, context: MethodContext, part: MethodPart) -> None:
        """Train and test one trial, as it follows from the trials before it."""
        training, study = self._lineage_training(context), self._study(context)
        written = self._training.settings(context)
        do_trial_part(self._params, training, study, part, written=written)

    def replay(self, context: MethodContext, lineage: Mapping[str, Any]) -> TrainingState:
        """Train the chosen trial again: one model, no tests."""
        return replay_path(context, self._training, LineagePath.from_json(lineage))

    def _lineage_training(self, context: MethodContext) -> LineageTraining:
        return LineageTraining(
            context,
            self._training,
            twins=self._params.twins,
            test_finished=self._params.test_finished,
        )

    def _propose(
        self, context: MethodContext, study: TrialStudy, trials: Sequence[Trial]
    ) -> list[OpenTrial]:
        """Return the trials that come next, side by side; none if none is left or paid for."""
        count = self._params.next_trials(len(trials), self._trained(trials), context.recipe.epochs)
        pending: list[OpenTrial] = []
        while len(pending) < count and (proposed := study.propose(trials, pending)) is not None:
            pending.append(proposed)
        return pending

    def _train_here(
        self,
        training: LineageTraining,
        study: TrialStudy,
        trials: tuple[Trial, ...],
        pending: Sequence[OpenTrial],
    ) -> tuple[Trial, ...]:
        """Train trials one after the other; return all trials."""
        for proposed in pending:
            work = TrialWork(
                self._params,
                training,
                study,
                trials,
                number=len(trials) + 1,
                units_left=self._units_left(trials),
            )
            trial, state, tested = work.run(proposed)
            trials = (*trials, trial)
            self._keep(training, trials, state, tested)
            self._drop_dominated(training.context, trials)
        return trials

    def _train_elsewhere(
        self,
        context: MethodContext,
        do_parts: Callable[[Sequence[MethodPart]], Iterator[MethodPart]],
        trials: tuple[Trial, ...],
        pending: Sequence[OpenTrial],
    ) -> tuple[Trial, ...]:
        """Have other processes train trials; return all trials."""
        whole = self._params.models * context.recipe.epochs
        train_trials_elsewhere(context, pending, ended=len(trials), epochs=whole, do_parts=do_parts)
        known, trials = len(trials), load_trials(context, self._training.settings(context))
        self._complete_archive(context, trials)
        for count in range(known + 1, len(trials) + 1):
            tests = trials[count - 1].tests
            context.events.advance(min(len(tests), self._units_left(trials[: count - 1])))
            self._skip(context, epochs=0, tests=len(tests))
            self._report(context, trials[:count])
        return trials

    def _units_left(self, trials: Sequence[Trial]) -> int:
        """Return the tests that progress still expects: pruned trials leave room for more."""
        return max(0, self.units() - sum(len(trial.tests) for trial in trials))

    def _study(self, context: MethodContext) -> TrialStudy:
        space = SearchSpace(
            self._params.open_settings,
            self._training.settings(context),
            rule_names=[strategy.describe() for strategy in self._params.strategies],
        )
        return TrialStudy(
            self._params,
            space,
            aggregator=context.aggregator,
            evaluator=context.evaluator,
            seed=context.seed,
        )

    def _trained(self, trials: Sequence[Trial]) -> int:
        """Return the epochs of all trials, swap twins included."""
        return self._params.models * sum(trial.epochs for trial in trials)

    def _keep(
        self,
        training: LineageTraining,
        trials: Sequence[Trial],
        state: TrainingState,
        tested: TestedPair,
    ) -> None:
        """Keep the last trial, and the models of the archive."""
        context = training.context
        trial = trials[-1]
        names = {entry.id for entry in self._archive(context, trials).entries}
        # Before the checkpoint: a killed run must find the files of every archived model.
        if trial.tests[-1].id in names:
            finished = training.finish(tested)
            context.store(finished, context.archive_path(trial.tests[-1].id))
        save_trial(context, trial, state)
        self._report(context, trials)

    def _report(self, context: MethodContext, trials: Sequence[Trial]) -> None:
        """Report the last of these trials."""
        trial = trials[-1]
        context.events.emit(
            "trial_finished",
            trial=trial.number,
            strategy=trial.drawn.name,
            pruned=trial.is_pruned,
            epochs=trial.epochs,
            trainings=self._trained(trials) / context.recipe.epochs,
            budget=self._params.budget,
        )

    def _complete_archive(self, context: MethodContext, trials: Sequence[Trial]) -> None:
        """Store models of the archive that have no file yet, and remove those that have left it."""
        names = {entry.id for entry in self._archive(context, trials).entries}
        for trial in trials:
            path = context.archive_path(trial.tests[-1].id)
            if trial.tests[-1].id in names and not path.exists():
                context.store(context.finish(restore_model(context, trial)).state, path)
        self._drop_dominated(context, trials)

    def _drop_dominated(self, context: MethodContext, trials: Sequence[Trial]) -> None:
        """Remove the files of models that have left the archive."""
        names = {entry.id for entry in self._archive(context, trials).entries}
        for trial in trials:
            if trial.tests[-1].id not in names:
                context.archive_path(trial.tests[-1].id).unlink(missing_ok=True)

    def _archive(self, context: MethodContext, trials: Sequence[Trial]) -> Archive:
        """Return the non-dominated models of the trials that were trained to their end."""
        archive = Archive(weights=tuple(context.evaluator.weights.tolist()))
        tests = [trial.tests[-1] for trial in trials if not trial.is_pruned]
        if not tests:
            return archive
        objectives = objectives_of([test.figures for test in tests], context.evaluator)
        return archive.add(
            *(
                ArchiveEntry(
                    test.id,
                    float(objectives.performance[index]),
                    tuple(objectives.advantage[index].tolist()),
                    tuple(objectives.attack_accuracy[index].tolist()),
                    {name: float(cost[index]) for name, cost in objectives.costs.items()},
                )
                for index, test in enumerate(tests)
            )
        )

    def _skip(self, context: MethodContext, *, epochs: int, tests: int) -> None:
        """Take work off that was planned and is not left."""
        context.events.skip(epochs=epochs, attacks=tests * len(context.evaluator.attacks))

    def _skip_rest(self, context: MethodContext, trials: Sequence[Trial]) -> None:
        """Count what was planned at most and not needed as done."""
        tested, total = sum(len(trial.tests) for trial in trials), context.recipe.epochs
        context.events.advance(self._units_left(trials))
        planned = self._params.workload(total)
        self._skip(
            context,
            epochs=max(0, planned.epochs - self._trained(trials)),
            tests=max(0, planned.tests - tested),
        )

    def _outcome(self, context: MethodContext, trials: Sequence[Trial]) -> MethodOutcome:
        fields = [
            FieldOfTrials(context, self._params, trials, report)
            for report in range(1, self._reports + 1)
        ]
        rounds = tuple(each.to_json() for each in fields)
        archive = self._archive(context, trials)
        front = [entry.id for entry in archive.entries]
        for record in rounds:
            context.events.emit("round_finished", **record, front=front)
        chosen = fields[-1].chosen
        # From its checkpoint: all models together may not fit into memory.
        state = restore_model(context, chosen)
        return MethodOutcome(
            chosen=state,
            chosen_id=chosen.tests[-1].id,
            rounds=rounds,
            archive=archive,
            facts=self._training.facts(context, state, start=chosen.drawn.start),
            lineage=_path(chosen).to_json(),
        )


def _path(trial: Trial) -> LineagePath:
    """Return the path of a trial: the same settings from report to report."""
    settings = trial.drawn.settings.to_json()
    return LineagePath(
        start=trial.drawn.start,
        settings=settings,
        steps=tuple(
            PathStep(middle=None, end=test.epoch, settings=settings, is_evolved=False)
            for test in trial.tests
        ),
    )
