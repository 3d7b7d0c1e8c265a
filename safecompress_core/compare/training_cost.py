"""Cost of a run's method, in trainings of one model: planned, and really taken.

Candidates and swap twins count. What every run trains does not: the uncompressed model, and
reference models.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from safecompress_core.results.schema import Results
from safecompress_core.specfile.load import LoadedSpec
from safecompress_core.specfile.models.comparison import ComparisonRun
from safecompress_core.specfile.models.components import definition_of

__all__ = ["TrainingCost", "budget_notes", "cost_of", "cost_taken", "planned_trainings"]

LEAST = 0.9
"""Share of a budget that a variant spends, or its cost is noted."""


@dataclass(frozen=True, slots=True)
class TrainingCost:
    """Cost of a model.

    Attributes:
        trainings: in trainings of one model, each of ``training.epochs`` epochs.
        steps: optimizer steps.
    """

    trainings: float
    steps: int


def planned_trainings(loaded: LoadedSpec) -> float | None:
    """Return what the method costs at most; None if its definition does not state it."""
    spec = loaded.spec
    workload = definition_of(spec.method).workload
    if workload is None:
        return None
    epochs: int = workload(spec.method, spec.training.epochs).epochs
    return epochs / spec.training.epochs


def cost_taken(loaded: LoadedSpec, results: Results) -> TrainingCost | None:
    """Return what the method of a finished run has cost; None if it cannot be known.

    Rounds state what they have trained, which may be less than planned; a method without rounds
    does what its definition says.
    """
    trainings = planned_trainings(loaded)
    if results.rounds:
        trainings = sum(record.trainings for record in results.rounds)
    return None if trainings is None else cost_of(loaded, results, trainings)


def cost_of(loaded: LoadedSpec, results: Results, trainings: float) -> TrainingCost:
    """Return the cost of so many trainings on the members of a run."""
    training = loaded.spec.training
    members = sum(pool.members for pool in results.pools.values())
    steps = -(-members // training.batch_size)  # the last batch of an epoch may be smaller
    # Rounded as whole epochs, since fractions of trainings are not exact.
    return TrainingCost(trainings, round(trainings * training.epochs) * steps)


def budget_notes(entries: Sequence[ComparisonRun]) -> Iterator[str]:
    """Yield a sentence for each variant that costs something else than a budget of its comparison.

    Costs at or a little under a budget are the rule: a field of lineages has whole ones.
    """
    if all(entry.budget is None for entry in entries):
        return
    # Densities and seeds leave costs as they are.
    for entry in {(entry.variant, entry.budget): entry for entry in entries}.values():
        cost = planned_trainings(entry.loaded)
        amount = "an unknown number of trainings" if cost is None else _count(cost)
        if entry.budget is None:
            yield f"{entry.variant} takes no budget: it costs {amount} of one model"
        elif cost is not None and cost < LEAST * entry.budget:
            yield f"{entry.variant} at budget {entry.budget:g} costs {amount} of one model at most"


def _count(trainings: float) -> str:
    return f"{trainings:.3g} {'training' if trainings == 1 else 'trainings'}"
