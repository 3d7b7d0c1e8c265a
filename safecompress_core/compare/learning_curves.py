"""Learning curves of test-driven runs: the chosen model of each round, on *select*."""

from collections.abc import Mapping, Sequence
from typing import Any

from safecompress_core.compare.comparison_table import FinishedVariant

__all__ = ["learning_curves"]


def learning_curves(runs: Sequence[FinishedVariant]) -> list[dict[str, Any]]:
    """The learning procedure of every run that has rounds, JSON-ready (the papers' Figs. 3-5).

    Each has ``name``, ``density``, ``seed`` and ``rounds`` with ``round``, ``performance``, and
    ``advantage``, the largest that an attack reached on the chosen candidate; null where no attack
    tested it.
    """
    return [
        {
            "name": run.variant,
            "density": run.density,
            "seed": run.seed,
            "rounds": [_round(record) for record in run.results["rounds"]],
        }
        for run in runs
        if run.results["rounds"]
    ]


def _round(record: Mapping[str, Any]) -> dict[str, Any]:
    went_on = [candidate for candidate in record["candidates"] if candidate["chosen"]]
    chosen = max(went_on, key=lambda candidate: float(candidate["utility"]))
    objectives = dict(chosen["objectives"])
    performance = objectives.pop("performance")
    return {
        "round": record["round"],
        "performance": performance,
        "advantage": max(objectives.values(), default=None),
    }
