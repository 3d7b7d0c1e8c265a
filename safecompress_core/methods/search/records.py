"""Records of a search: the trials of each report, as the rounds of the results."""

from collections.abc import Sequence
from typing import Any

from safecompress_core.methods.lineages.round_selection import RoundSelection
from safecompress_core.methods.method import MethodContext
from safecompress_core.methods.search.params import SearchParams
from safecompress_core.methods.search.trials import Trial

__all__ = ["FieldOfTrials"]


class FieldOfTrials:
    """The trials that reached a report, compared as lineages of a race are.

    Args:
        context: of the method.
        params: of the method.
        trials: all that have ended.
        report: from 1.
    """

    def __init__(
        self, context: MethodContext, params: SearchParams, trials: Sequence[Trial], report: int
    ) -> None:
        self._report = report
        self._params = params
        self._total = context.recipe.epochs
        self._ends = params.report_epochs(self._total)
        self._is_last = report == len(self._ends)
        self.trials = tuple(trial for trial in trials if len(trial.tests) >= report)
        self._tests = tuple(trial.tests[report - 1] for trial in self.trials)
        self.selection = RoundSelection(
            [test.figures for test in self._tests],
            context.evaluator,
            context.aggregator,
            confidence=params.confidence,
            has_incumbent=False,
            costs=[test.density for test in self._tests],
        )

    @property
    def chosen(self) -> Trial:
        """Return the trial that ranks first."""
        return self.trials[self.selection.winners[0]]

    def to_json(self) -> dict[str, Any]:
        """Return what results say of the report, JSON-ready."""
        begin = 0 if self._report == 1 else self._ends[self._report - 2]
        end = self._ends[self._report - 1]
        return {
            "round": self._report,
            "epochs": end,
            "lineages": len(self.trials),
            "trainings": self._params.models * len(self.trials) * (end - begin) / self._total,
            "candidates": [self._candidate(index) for index in range(len(self.trials))],
            "spread": self.selection.spread(),
        }

    def _candidate(self, index: int) -> dict[str, Any]:
        trial, test = self.trials[index], self._tests[index]
        goes_on = len(trial.tests) > self._report
        return {
            "id": test.id,
            "lineage": trial.number,
            "parent": "initial" if self._report == 1 else trial.tests[self._report - 2].id,
            "strategy": trial.drawn.name,
            "start": trial.drawn.start,
            "settings": trial.drawn.settings.to_json(),
            "density": test.density,
            "defences": test.defences,
            "attacks": test.attacks,
            **self.selection.verdict_on(index),
            "chosen": index in self.selection.winners if self._is_last else goes_on,
            "left": self._departure(index, goes_on=goes_on),
        }

    def _departure(self, index: int, *, goes_on: bool) -> dict[str, Any] | None:
        """Return why a trial ended here; None for one that went on or was chosen."""
        if self._is_last:
            return self.selection.departure(index, [test.id for test in self._tests])
        if goes_on:
            return None
        # A pruner compares with all trials before, not with one of them.
        return {"reason": "pruned", "by": None, "decided_by": "utility"}
