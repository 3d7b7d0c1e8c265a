"""Table of a race's lineages: what each one was, when it left and why."""

from collections.abc import Sequence

from safecompress_core.report.formatting import format_number
from safecompress_core.report.objectives import objective_name
from safecompress_core.report.race.history import (
    LineageHistory,
    cost_of_rounds,
    lineages,
    noun_of_lineages,
)
from safecompress_core.report.summary import Cell, ResultTable, Row
from safecompress_core.results.schema import Results

__all__ = ["lineages_table"]


def lineages_table(results: Results) -> ResultTable | None:
    """Return the lineages with their objectives of the round that they left after.

    None for a run that is no race.
    """
    raced = lineages(results)
    if not raced:
        return None
    objectives = list(raced[0].last.objectives)
    names = [objective_name(results, objective) for objective in objectives]
    noun = noun_of_lineages(results)
    rows = tuple(_row(history, objectives, noun=noun[:-1]) for history in raced)
    cost = f"{cost_of_rounds(results):.3g} trainings of one model"
    title = f"Lineages of the race, whose rounds cost {cost}"
    if noun == "trials":
        title = f"Trials of the search, which cost {cost}"
    shares = ("win share",) if raced[0].last.win_share is not None else ()
    return ResultTable(title, ("round", *names, *shares, "lost to"), rows)


def _row(history: LineageHistory, objectives: Sequence[str], *, noun: str) -> Row:
    figures = [history.last.objectives[objective] for objective in objectives]
    if history.last.win_share is not None:
        figures.append(history.last.win_share)
    values = (
        str(history.last_round),
        *map(format_number, figures),
        history.brief_end,
    )
    return Row(f"{noun} {history.number}", tuple(map(Cell, values)))
