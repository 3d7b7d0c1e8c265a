"""Work of one trial: train model and swap twin from report to report, test, prune."""

from collections.abc import Sequence
from typing import Any

from safecompress_core.methods.lineages.lineage_training import (
    Lineage,
    LineageTraining,
    TestedPair,
)
from safecompress_core.methods.lineages.model_figures import ModelFigures
from safecompress_core.methods.search.params import SearchParams
from safecompress_core.methods.search.study import OpenTrial, TrialStudy
from safecompress_core.methods.search.trials import Trial, TrialTest
from safecompress_core.training.training_state import TrainingState

__all__ = ["TrialWork"]


class TrialWork:
    """One trial after those that have ended.

    Args:
        params: of the method.
        training: of lineages.
        study: judges the trial at its reports.
        trials: that have ended.
        number: of the trial, from 1.
        units_left: tests that the display of progress still expects.
    """

    def __init__(
        self,
        params: SearchParams,
        training: LineageTraining,
        study: TrialStudy,
        trials: Sequence[Trial],
        *,
        number: int,
        units_left: int,
    ) -> None:
        self._params = params
        self._training = training
        self._context = training.context
        self._study = study
        # Others may have ended since it was proposed, or not yet: they must not matter.
        self._trials = trials[: params.proposed_after(number)]
        self._number = number
        self._ends = params.report_epochs(self._context.recipe.epochs)
        self._units_left = units_left

    def run(self, proposed: OpenTrial) -> tuple[Trial, TrainingState, TestedPair]:
        """Return the trial, its trained model, and model and twin as they were tested last."""
        lineage = self._training.start(self._number, proposed.drawn)
        tests: list[TrialTest] = []
        tested: TestedPair | None = None
        is_pruned = False
        for report, end in enumerate(self._ends, 1):
            what = f"trial {self._number} ({proposed.drawn.name})"
            self._training.train(lineage, until=end, what=what)
            tested = self._training.as_tested(lineage)
            tests.append(self._test(lineage, tested, report))
            if report < len(self._ends) and self._is_pruned(proposed, tests):
                is_pruned = True
                break
        trial = Trial(
            number=self._number,
            drawn=proposed.drawn,
            values=proposed.values,
            attributes=proposed.attributes,
            tests=tuple(tests),
            is_pruned=is_pruned,
        )
        assert tested is not None  # there is a report at the last epoch
        return trial, lineage.state, tested

    def _is_pruned(self, proposed: OpenTrial, tests: Sequence[TrialTest]) -> bool:
        """Return whether the pruner ends the trial after these tests."""
        report = len(tests)
        before = [
            trial.tests[report - 1].figures for trial in self._trials if len(trial.tests) >= report
        ]
        utility = self._study.utilities([*before, tests[-1].figures])[-1]
        return proposed.is_pruned(utility, report=report)

    def _test(self, lineage: Lineage, tested: TestedPair, report: int) -> TrialTest:
        """Test the trial as a race tests a lineage in the round of this number."""
        model = f"r{report}c{self._number}"
        facts: dict[str, Any] = {"round": report, "candidate": model, "strategy": lineage.name}
        evaluation = self._context.evaluator.fit_and_evaluate(
            tested.network,
            # One for all models that are compared.
            unit=str(report - 1),
            facts=facts,
            twin=tested.twin,
        )
        # Pruned trials leave room for more tests than whole ones have.
        if self._units_left > 0:
            self._context.events.advance()
            self._units_left -= 1
        self._context.events.emit(
            "candidate_tested", **facts, performance=float(evaluation.performance.mean())
        )
        return TrialTest(
            id=model,
            epoch=lineage.state.epoch,
            density=lineage.state.density,
            defences=lineage.state.facts(),
            attacks=evaluation.to_json(),
            figures=ModelFigures.of(
                evaluation,
                self._context.evaluator,
                self._params,
                costs=self._training.costs.of(tested.state),
            ),
        )
