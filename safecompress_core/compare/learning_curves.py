"""Learning curves of test-driven runs: the chosen model of each round, on *select*."""

from collections.abc import Collection, Sequence

from safecompress_core.compare.comparison_table import FinishedVariant
from safecompress_core.results.schema import CourseRecord, CourseRoundRecord, RoundRecord

__all__ = ["learning_curves"]


def learning_curves(runs: Sequence[FinishedVariant]) -> tuple[CourseRecord, ...]:
    """The learning procedure of every run that has rounds (the papers' Figs. 3-5)."""
    return tuple(
        CourseRecord(
            name=run.variant,
            density=run.density,
            budget=run.budget,
            seed=run.seed,
            rounds=tuple(
                _round(record, measures=run.results.selection.measures)
                for record in run.results.rounds
            ),
        )
        for run in runs
        if run.results.rounds
    )


def _round(record: RoundRecord, *, measures: Collection[str]) -> CourseRoundRecord:
    carried = [candidate for candidate in record.candidates if candidate.chosen]
    # A beam keeps several; its best by utility stands for the round.
    chosen = max(carried, key=lambda candidate: candidate.utility)
    objectives = {name: value for name, value in chosen.objectives.items() if name not in measures}
    performance = objectives.pop("performance")
    return CourseRoundRecord(
        round=record.round,
        performance=performance,
        # None without attacks, since 0 would claim a perfectly safe model.
        advantage=max(objectives.values(), default=None),
    )
