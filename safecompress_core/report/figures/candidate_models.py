"""Models that a run has tested on the pool *select*: their measures, and what became of them."""

from collections.abc import Iterator
from dataclasses import dataclass

from safecompress_core.report.objectives import attack_figure
from safecompress_core.report.race.history import chosen_model, is_race
from safecompress_core.results.schema import CandidateRecord, Results, RoundRecord

__all__ = ["CandidateModel", "candidate_models", "measure_titles", "rounds_with_best"]

PERFORMANCE = "performance"


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateModel:
    """One candidate of a round.

    Attributes:
        id: of the candidate.
        round: counted from 1.
        lineage: its number; None outside of a race.
        strategy: how it came about, in words.
        measures: by key: ``performance``, the objective of each attack by its id, ``density``,
            ``utility``, and every measure of an attack as ``<id>.<measure>``.
        on_front: whether no other candidate of the run beats it in everything.
        is_chosen: whether its round went on with it; of several, the best; in a race whether it is
            of the lineage that the run chose.
        is_final: whether it is the model that the run chose.
    """

    id: str
    round: int
    lineage: int | None
    strategy: str
    measures: dict[str, float]
    on_front: bool
    is_chosen: bool
    is_final: bool


def candidate_models(results: Results) -> tuple[CandidateModel, ...]:
    """Return every candidate of every round."""
    front = {entry.id for entry in results.archive}
    final = {entry.id for entry in results.archive if entry.chosen}
    return tuple(
        CandidateModel(
            id=candidate.id,
            round=record.round,
            lineage=candidate.lineage,
            strategy=candidate.strategy,
            measures=dict(_measures(candidate)),
            on_front=candidate.id in front,
            is_chosen=candidate is best,
            is_final=candidate.id in final,
        )
        for record, best in rounds_with_best(results)
        for candidate in record.candidates
    )


def measure_titles(results: Results) -> dict[str, str]:
    """Return what figures call each measure that all tested models have, by its key."""
    models = candidate_models(results)
    if not models:
        return {}
    shared = set[str](models[0].measures).intersection(*(model.measures for model in models))
    # The objective is that end of the interval; the estimate has a key of its own.
    end = ", upper end" if results.selection.bound == "careful" else ""
    titles = {PERFORMANCE: results.selection.performance}
    for attack in results.selection.attackers:
        titles[attack] = f"{attack}: {attack_figure(results, attack)}{end}"
    for key in models[0].measures:
        owner, _, name = key.rpartition(".")
        titles.setdefault(key, f"{owner}: {name.replace('_', ' ')}" if owner else key)
    return {key: title for key, title in titles.items() if key in shared}


def rounds_with_best(results: Results) -> Iterator[tuple[RoundRecord, CandidateRecord]]:
    """Yield each round with the best of the candidates that it went on with.

    In a race with the model of the lineage that the run chose: equals have no best one before.
    """
    winner = chosen_model(results).lineage if is_race(results) else None
    for record in results.rounds:
        chosen = [candidate for candidate in record.candidates if candidate.chosen]
        of_winner = [candidate for candidate in chosen if candidate.lineage == winner]
        yield record, max(of_winner or chosen, key=lambda candidate: candidate.utility)


def _measures(candidate: CandidateRecord) -> Iterator[tuple[str, float]]:
    yield from candidate.objectives.items()
    yield "density", candidate.density
    yield "utility", candidate.utility
    for name, attack in candidate.attacks.items():
        for measure, estimate in attack.estimates().items():
            yield f"{name}.{measure}", estimate.value
