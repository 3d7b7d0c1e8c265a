"""History of a race's lineages or a search's trials: settings, when and why they left, cost."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from safecompress_core.results.schema import (
    CandidateRecord,
    DepartureRecord,
    Results,
    RoundRecord,
)

__all__ = [
    "LineageHistory",
    "chosen_model",
    "cost_of_rounds",
    "departures",
    "is_field",
    "is_race",
    "lineages",
    "noun_of_lineages",
    "noun_of_models",
    "rounds_with_choice",
]

SEARCH = "search"
"""The method whose rounds are the reports of trials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageHistory:
    """A lineage on its way through the rounds.

    Attributes:
        number: of the lineage, from 1.
        name: what distinguishes it from the spec.
        start: source of its first weights.
        models: by number of the round, its model: of several candidates the best.
        is_chosen: whether the run's result comes from it.
        end: why it left, in words; of the chosen one empty.
        brief_end: the number of the lineage that it lost to and by what, or how it ended.
    """

    number: int
    name: str
    start: str
    models: dict[int, CandidateRecord]
    is_chosen: bool
    end: str
    brief_end: str

    @property
    def last_round(self) -> int:
        """Return the last round that it was tested in."""
        return max(self.models)

    @property
    def last(self) -> CandidateRecord:
        """Return its model of this round."""
        return self.models[self.last_round]


def is_race(results: Results) -> bool:
    """Return whether the run began with several lineages."""
    return bool(results.rounds) and results.rounds[0].lineages > 1


def noun_of_lineages(results: Results) -> Literal["lineages", "trials"]:
    """Return the word for what is trained from its first step with settings of its own."""
    is_search = results.method is not None and results.method.type == SEARCH
    return "trials" if is_search else "lineages"


def is_field(record: RoundRecord) -> bool:
    """Return whether a round compares several lineages as they are, without an incumbent."""
    return record.lineages > 1 and len(record.candidates) == record.lineages


def noun_of_models(results: Results) -> Literal["candidates", "models"]:
    """Return the word for what rounds test; ``models`` are lineages and candidates."""
    return "models" if is_race(results) else "candidates"


def rounds_with_choice(results: Results) -> tuple[RoundRecord, ...]:
    """Return the rounds that compared models; a field of one may be tested without any choice."""
    several = tuple(record for record in results.rounds if len(record.candidates) > 1)
    return several if is_race(results) else results.rounds


def chosen_model(results: Results) -> CandidateRecord:
    """Return the model of the last round that is the result of the run."""
    chosen = [candidate for candidate in results.rounds[-1].candidates if candidate.chosen]
    # A field may end with several lineages, of which the archive names the one that was chosen.
    named = {entry.id for entry in results.archive if entry.chosen}
    return max(chosen, key=lambda candidate: (candidate.id in named, candidate.utility))


def lineages(results: Results) -> tuple[LineageHistory, ...]:
    """Return the lineages of a race, the chosen one first and then those that left last.

    Empty for a run that is no race.
    """
    if not is_race(results):
        return ()
    winner = chosen_model(results).lineage
    # A first round that derives candidates tests several models of a lineage.
    firsts = {first.lineage: first for first in reversed(results.rounds[0].candidates)}
    histories = [
        _history(results, first, is_chosen=number == winner) for number, first in firsts.items()
    ]

    def place(history: LineageHistory) -> tuple[bool, int, float]:
        return history.is_chosen, history.last_round, history.last.utility

    return tuple(sorted(histories, key=place, reverse=True))


def cost_of_rounds(results: Results) -> float:
    """Return the cost of all rounds in trainings of one model, swap twins included."""
    return sum(record.trainings for record in results.rounds)


def departures(results: Results) -> tuple[DepartureRecord, ...]:
    """Return why each lineage left that was outranked or dominated."""
    ends = (history.last.left for history in lineages(results))
    return tuple(left for left in ends if left is not None)


def _history(results: Results, first: CandidateRecord, *, is_chosen: bool) -> LineageHistory:
    models = dict(_models(results, first.lineage))
    last = max(models)
    return LineageHistory(
        number=first.lineage,
        name=first.strategy,
        start=first.start,
        models=models,
        is_chosen=is_chosen,
        end="" if is_chosen else _end(results, models[last]),
        brief_end="chosen" if is_chosen else _brief_end(results, models[last]),
    )


def _models(results: Results, number: int) -> Iterator[tuple[int, CandidateRecord]]:
    for record in results.rounds:
        of_lineage = [one for one in record.candidates if one.lineage == number]
        if of_lineage:
            best = max(of_lineage, key=lambda one: (one.chosen, one.utility))
            yield record.round, best


def _end(results: Results, last: CandidateRecord) -> str:
    left = last.left
    if left is None:
        return _unranked_end(last)
    if left.by is None:
        return "pruned: its utility was too low at this report"
    rival = f"{noun_of_lineages(results)[:-1]} {_lineage_of(results, left.by)} ({left.by})"
    if left.reason == "dominated":
        return f"dominated by {rival}: significantly worse in every objective"
    ways = {
        "utility": "by utility",
        "performance": f"by {results.selection.performance}, as no attack distinguishes them",
        "cost": "with more weights, all else equal",
        "index": "all else equal",
        "field": "by the comparisons with the whole field",
    }
    return f"outranked by {rival}, {ways[left.decided_by]}"


def _brief_end(results: Results, last: CandidateRecord) -> str:
    left = last.left
    if left is None:
        return _unranked_end(last)
    if left.by is None:
        return "pruned"
    rival = _lineage_of(results, left.by)
    if left.reason == "dominated":
        return f"{rival} (dominated)"
    criteria = {
        "utility": "utility",
        "performance": results.selection.performance,
        "cost": "weights",
        "index": "order",
        "field": "whole field",
    }
    return f"{rival} ({criteria[left.decided_by]})"


def _unranked_end(last: CandidateRecord) -> str:
    """Return the end of a lineage that no ranking removed: the run's own, or a beam's."""
    return "not the best at the end" if last.chosen else "not in the beam"


def _lineage_of(results: Results, model: str) -> int:
    tested = (candidate for record in results.rounds for candidate in record.candidates)
    return next(candidate.lineage for candidate in tested if candidate.id == model)
