"""Optuna's study of a search: proposals of settings, and the pruning of trials.

A study is built anew for each trial, in memory, from the trials that have ended, and its sampler's
seed follows from the number of the trial. So nothing of Optuna is kept, a resumed run proposes what
one that was not interrupted proposes, and utilities that depend on the other trials are those among
all trials so far.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.pruners import BasePruner, NopPruner
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import StudyDirection
from optuna.trial import TrialState, create_trial

from safecompress_core.choose.aggregator import Aggregator
from safecompress_core.methods.lineages.evaluator import CandidateEvaluator
from safecompress_core.methods.lineages.lineage_settings import LineageSettings
from safecompress_core.methods.lineages.model_figures import ModelFigures, objectives_of
from safecompress_core.methods.search.params import SearchParams
from safecompress_core.methods.search.space import SearchSpace
from safecompress_core.methods.search.trials import Trial
from safecompress_core.seeding import Seed

__all__ = ["SAMPLERS", "OpenTrial", "TrialStudy"]

SAMPLERS: Mapping[str, str] = {
    "random": "RandomSampler",
    "tpe": "TPESampler",
    "nsga2": "NSGAIISampler",
}
"""Samplers by the name that a spec has for them: classes of ``optuna.samplers``."""
RANDOM_SHARE = 3
"""Of so many trials one is drawn at random before a sampler or pruner learns from results: Optuna's
own defaults, 5 to 50, are for searches of hundreds of trials."""
REPEATS = 64
"""Proposals of a sampler that may repeat a trial, before settings are drawn at random."""
PROPOSALS = 1024
"""Proposals for one trial at most; a space that gives nothing new by then is used up."""


@dataclass(frozen=True, slots=True)
class OpenTrial:
    """A trial that is proposed and not trained yet.

    Attributes:
        drawn: its settings.
        values: the value of each distribution.
    """

    drawn: LineageSettings
    values: Mapping[str, Any]
    _study: optuna.Study
    _trial: optuna.Trial

    def is_pruned(self, utility: float, *, report: int) -> bool:
        """Return whether the pruner ends the trial at a report, from 1."""
        self._trial.report(utility, report)
        return self._trial.should_prune()

    @property
    def attributes(self) -> dict[str, Any]:
        """Return what Optuna notes of the trial: its generation, the rungs that it completed."""
        # The generation of an evolutionary sampler is no part of a trial's values.
        return dict(self._study.get_trials(deepcopy=False)[self._trial.number].system_attrs)


class TrialStudy:
    """Proposes trials and judges those that are being trained.

    Args:
        params: of the method.
        space: what settings are drawn from.
        aggregator: makes one number of objectives.
        evaluator: tests trials; it lends its attacks and their weights.
        seed: of the sampler.
    """

    def __init__(
        self,
        params: SearchParams,
        space: SearchSpace,
        *,
        aggregator: Aggregator,
        evaluator: CandidateEvaluator,
        seed: Seed,
    ) -> None:
        self._params = params
        self._space = space
        self._aggregator = aggregator
        self._evaluator = evaluator
        # An attack of weight 0 has no part in a choice.
        self._counts: NDArray[np.bool_] = evaluator.weights > 0
        self._seed = seed
        # What a study reports is in our own events.
        optuna.logging.set_verbosity(optuna.logging.ERROR)

    def propose(
        self, trials: Sequence[Trial], pending: Sequence[OpenTrial] = ()
    ) -> OpenTrial | None:
        """Return the next trial, the first with the settings of the spec; None if none is left.

        It depends on its number and the trials that had ended then. Settings that have been
        trained, or that a factor leads out of range, are proposed in vain.

        Args:
            trials: that have ended.
            pending: proposed after them and not trained yet.
        """
        before = len(trials) + len(pending)
        taken = {trial.drawn.key for trial in trials} | {trial.drawn.key for trial in pending}
        study = self._study(trials[: self._params.proposed_after(before + 1)])
        for attempt in range(PROPOSALS):
            study.sampler = self._sampler(before, attempt)
            if not before:
                study.enqueue_trial(self._space.written_values)
            proposed = study.ask(self._space.distributions)
            drawn = self._space.settings(proposed.params) if before else self._space.as_written
            if drawn is not None and drawn.key not in taken:
                return OpenTrial(drawn, proposed.params, study, proposed)
            study.tell(proposed, state=TrialState.FAIL)  # codespell:ignore tell
        return None

    def utilities(self, figures: Sequence[ModelFigures]) -> list[float]:
        """Return the utility of each model among these."""
        objectives = objectives_of(figures, self._evaluator)
        utilities: list[float] = self._aggregator.utilities(objectives).tolist()
        return utilities

    @property
    def _random_trials(self) -> int:
        return max(1, self._params.trials // RANDOM_SHARE)

    def _sampler(self, trials: int, attempt: int) -> BaseSampler:
        # Optuna's seeds have 32 bits.
        seed = self._seed.child("sampler", trials, attempt).number % 2**32
        if attempt >= REPEATS or self._params.sampler == "random":
            return RandomSampler(seed=seed)
        options: dict[str, Any] = {"n_startup_trials": self._random_trials}
        if self._params.sampler == "nsga2":
            # A crossover needs two parents.
            options = {"population_size": max(2, self._random_trials)}
        sampler: BaseSampler = getattr(optuna.samplers, SAMPLERS[self._params.sampler])(
            seed=seed, **options
        )
        return sampler

    def _pruner(self) -> BasePruner:
        pruners: Mapping[str, Callable[[], BasePruner]] = {
            "none": NopPruner,
            "median": partial(optuna.pruners.MedianPruner, n_startup_trials=self._random_trials),
            "successive-halving": partial(
                optuna.pruners.SuccessiveHalvingPruner, min_resource=1, reduction_factor=2
            ),
        }
        return pruners[self._params.pruner]()

    def _study(self, trials: Sequence[Trial]) -> optuna.Study:
        """Return a study that has seen these trials."""
        directions = [StudyDirection.MAXIMIZE]
        if self._params.sampler == "nsga2":
            losses = int(self._counts.sum()) + len(self._evaluator.measures)
            directions += [StudyDirection.MINIMIZE] * losses
        study = optuna.create_study(
            storage=optuna.storages.InMemoryStorage(),
            pruner=self._pruner(),
            directions=directions,
        )
        final, reported = self._final_values(trials), self._reported_values(trials)
        for trial in trials:
            study.add_trial(
                create_trial(
                    state=TrialState.PRUNED if trial.is_pruned else TrialState.COMPLETE,
                    values=final.get(trial.number),
                    params=dict(trial.values),
                    distributions=self._space.distributions,
                    system_attrs=dict(trial.attributes),
                    intermediate_values=reported[trial.number],
                )
            )
        return study

    def _final_values(self, trials: Sequence[Trial]) -> dict[int, Sequence[float]]:
        """Return the objectives of the trials that were trained to their end, by number."""
        finished = [trial for trial in trials if not trial.is_pruned]
        if not finished:
            return {}
        figures = [trial.tests[-1].figures for trial in finished]
        numbers = [trial.number for trial in finished]
        if self._params.sampler != "nsga2":
            return {
                number: [utility]
                for number, utility in zip(numbers, self.utilities(figures), strict=True)
            }
        objectives = objectives_of(figures, self._evaluator)
        advantage, costs = objectives.advantage[:, self._counts], objectives.costs.values()
        rows = np.column_stack([objectives.performance, advantage, *costs])
        return dict(zip(numbers, rows.tolist(), strict=True))

    def _reported_values(self, trials: Sequence[Trial]) -> dict[int, dict[int, float]]:
        """Return the utility of each report before the last, by number of the trial."""
        values: dict[int, dict[int, float]] = {trial.number: {} for trial in trials}
        for report in range(1, len(self._params.report_epochs(1))):
            reached = [trial for trial in trials if len(trial.tests) >= report]
            if not reached:
                break
            utilities = self.utilities([trial.tests[report - 1].figures for trial in reached])
            for trial, utility in zip(reached, utilities, strict=True):
                values[trial.number][report] = utility
        return values
