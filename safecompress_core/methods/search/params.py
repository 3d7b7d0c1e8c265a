"""Parameters of the search, and the work that a budget pays for."""

from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from safecompress_core.api import Workload
from safecompress_core.methods.lineages.params import LineageParams, StrategyParams

__all__ = ["Pruner", "Sampler", "SearchParams"]

Sampler = Literal["random", "tpe", "nsga2"]
Pruner = Literal["none", "median", "successive-halving"]

ROUNDING = 1e-9
"""Trainings by which a budget may be exceeded: sums of fractions are not exact."""


class SearchParams(LineageParams):
    """A search over the settings that strategies open, by training whole models."""

    sampler: Sampler = "tpe"
    """What proposes the settings of the next trial. ``random``: none of the results. ``tpe``: the
    utility of all trials before, by a tree-structured Parzen estimator. ``nsga2``: performance and
    each attack's advantage, as several objectives of an evolutionary algorithm."""
    pruner: Literal["none", "median", "successive-halving"] = "none"
    """What stops a trial before its end. ``median``: a utility below the median of the trials
    before at the same report. ``successive-halving``: one that is not among the better half at the
    first, second, fourth … report."""
    reports: Annotated[int, Field(ge=2, le=1000)] = 4
    """How often a trial is tested where there is a pruner, at equal distances and at its end;
    without one it is tested at its end only."""
    proposals: Annotated[int, Field(ge=1, le=1000)] = 1
    """How many trials in a row are proposed from the same results, those of the trials before
    them. Several workers train these at the same time. Results depend on it, and not on workers;
    ``random`` without a pruner depends on no results, so there it changes nothing."""
    budget: Annotated[float, Field(gt=0)] = 6.0
    """Cost of all trials at most, in trainings of one model, swap twins included. A trial begins
    where a whole one can be paid for, and costs what it has trained."""

    @field_validator("strategies")
    @classmethod
    def _open_something(
        cls, strategies: list[StrategyParams], info: ValidationInfo
    ) -> list[StrategyParams]:
        # An initial topology that is wrong has an error of its own.
        if "initial" not in info.data:
            return strategies
        opened = cls.model_construct(strategies=strategies, initial=info.data["initial"])
        if opened.open_settings.count == 1:
            raise ValueError(
                "the strategies open one setting, so there is nothing to search; write values or a "
                "range into set, or several strategies"
            )
        return strategies

    @field_validator("pruner")
    @classmethod
    def _has_one_objective(cls, pruner: Pruner, info: ValidationInfo) -> Pruner:
        if pruner != "none" and info.data.get("sampler") == "nsga2":
            raise ValueError(
                f"{pruner} compares trials by one objective, and sampler nsga2 has several; write "
                "pruner: none, or sampler: tpe"
            )
        return pruner

    @field_validator("budget")
    @classmethod
    def _suffices(cls, budget: float, info: ValidationInfo) -> float:
        models = 2 if info.data.get("twins") else 1
        if budget < models:
            whole = "a model and its swap twin cost 2" if models == 2 else "a model costs 1"
            raise ValueError(f"{budget:g} trainings pay for no trial: {whole}; write at least that")
        return budget

    @property
    def trials(self) -> int:
        """Return the number of trials that are trained to their end if none is pruned."""
        return int(min(self.budget / self.models + ROUNDING, self.open_settings.count))

    def report_epochs(self, epochs: int) -> tuple[int, ...]:
        """Return the epochs of a training after which a trial is tested, the last one its end."""
        count = 1 if self.pruner == "none" else self.reports
        return tuple(epochs * number // count for number in range(1, count + 1))

    def proposed_after(self, number: int) -> int:
        """Return how many trials had ended when the trial of a number, from 1, was proposed."""
        return (number - 1) // self.proposals * self.proposals

    def next_trials(self, ended: int, trained: int, epochs: int) -> int:
        """Return how many trials may be trained at the same time; 0 if none can be paid for.

        Args:
            ended: trials so far.
            trained: epochs of all of them, swap twins included.
            epochs: of one training.
        """
        # By whole trials: then one that is begun here is also paid for where those before it in
        # the same group turn out to be shorter, and the trials are the same wherever they are done.
        paid = int((self.budget - trained / epochs + ROUNDING) / self.models)
        return max(0, min(paid, self.proposals - ended % self.proposals))

    def workload(self, epochs: int) -> Workload:
        """Return the work of all trials at most: with a pruner, of as many as could be pruned."""
        ends = self.report_epochs(epochs)
        # A preflight check refuses reports that come before the first epoch has ended.
        shortest = self.models * max(1, ends[0])
        most, trained = self.trials, self.trials * self.models * epochs
        if self.pruner != "none":
            left = (self.budget - self.models) * epochs
            most = int(min(1 + left / shortest + ROUNDING, self.open_settings.count))
            trained = int(min(self.budget * epochs + ROUNDING, most * self.models * epochs))
        tests = min(most * len(ends), trained // shortest)
        return Workload(
            epochs=trained,
            fits=tests,
            tests=tests,
            candidates=(most,) * len(ends),
            field=(most,) * len(ends),
            abreast=self.proposals,
            has_twins=self.twins,
            replay_epochs=epochs,
        )
