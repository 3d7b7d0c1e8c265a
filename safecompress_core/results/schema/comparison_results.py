"""Top level of ``comparison.json``."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from safecompress_core.results.schema.behaviour_records import ChangeVerdict
from safecompress_core.results.schema.record import Count, Facts, Fraction, Interval, Record, Sha256

__all__ = [
    "COMPARISON_VERSION",
    "ComparisonResults",
    "CourseRecord",
    "CourseRoundRecord",
    "FailureRecord",
    "FigureName",
    "SummaryRecord",
    "VariantBehaviourRecord",
    "VariantRecord",
    "label_of",
]

COMPARISON_VERSION: Literal[1] = 1
"""Of the format of ``comparison.json``."""

FigureName: TypeAlias = Literal[
    "task_accuracy",
    "mia_accuracy",
    "tm_score",
    "auc",
    "tpr_at_1_percent_fpr",
    "lift",
    "bytes",
    "trainings",
    "steps",
    "seconds",
    "cpu_seconds",
]
"""Figures of a variant that a table has a column for."""


def label_of(name: str, budget: float | None) -> str:
    """Return the name of a variant with the budget that was asked for, if any."""
    return name if budget is None else f"{name} (budget {budget:g})"


class SummaryRecord(Record):
    """A figure over the seeds."""

    mean: float
    """Mean over the seeds."""
    interval: Interval | None
    """95 % interval of the mean by Student's t; null with a single seed."""
    values: tuple[float, ...]
    """The figure of each seed, in the order of ``seeds``."""


class VariantBehaviourRecord(Record):
    """A behaviour before and after compression, over the seeds."""

    name: str
    """The metric; of an attack ``<attacker>.<measure>``."""
    higher: Literal["better", "worse"]
    """What a higher figure says of the model."""
    relative: bool
    """Whether the figure compares a model with the uncompressed one."""
    before: SummaryRecord
    """Figures of the uncompressed models."""
    after: SummaryRecord
    """Figures of the compressed models."""
    change: SummaryRecord
    """``after`` less ``before``, seed by seed."""
    interval: tuple[float, float] | None = None
    """95 % interval of the change: of several seeds that of the mean, of a single seed that of its
    run, which pairs the samples."""
    noise: float | None
    """Root mean square of the differences between re-trained uncompressed models and the
    uncompressed one of their seed; null without re-trained models."""
    verdict: ChangeVerdict
    """Of a single seed that of its run. Of several ``within noise`` where that is so for each
    seed, or the change is no larger than ``noise``; ``changed beyond training noise`` where the
    interval of the change excludes 0; ``relative`` figures are compared with re-trained models."""


class VariantRecord(Record):
    """A variant at one density and budget.

    A figure is null where nothing measured it; figures of attacks are those of the strongest attack
    on each model.
    """

    name: str
    """Name of the variant."""
    method: str
    """Type of its method."""
    density: Fraction | None
    """Density that was asked for; null where the variant has its own, or none."""
    budget: float | None = None
    """Budget that was asked for, in trainings of one model; null where its cost is its own."""
    kept: SummaryRecord | None
    """Density of the sparsifiable weights that was reached, a fraction."""
    model_density: SummaryRecord | None
    """Density of all parameters that was reached, a fraction."""
    sparsifiable: Fraction
    """Share of the uncompressed model's parameters that is sparsifiable; the lowest over the
    seeds."""
    seeds: tuple[int, ...]
    """Seeds of its runs."""
    task_accuracy: SummaryRecord | None
    """Metric that candidates are chosen by, on the test set, a fraction."""
    mia_accuracy: SummaryRecord | None
    """Accuracy of the membership attack that ``mia`` names, a fraction; else the highest."""
    tm_score: SummaryRecord | None
    """Task accuracy over MIA accuracy (TM-score with λ = 1), ≥ 0."""
    auc: SummaryRecord | None
    """Area under the ROC curve of the strongest membership attack, a fraction."""
    tpr_at_1_percent_fpr: SummaryRecord | None
    """True-positive rate of the strongest membership attack at a false-positive rate of at most
    1 %, a fraction."""
    lift: SummaryRecord | None
    """Lift of the strongest attribute attack, in [−1, 1]."""
    bytes: SummaryRecord | None
    """Size of the model's file, in bytes."""
    trainings: SummaryRecord | None = None
    """Cost of the method in trainings of one model, candidates and swap twins included; not the
    uncompressed model that every run trains, nor reference models."""
    steps: SummaryRecord | None = None
    """Optimizer steps of these trainings."""
    seconds: SummaryRecord | None
    """Duration of the training, tests included, in seconds."""
    cpu_seconds: SummaryRecord | None = None
    """CPU time of the same over all threads, in seconds."""
    advantage: Mapping[str, SummaryRecord | None]
    """Advantage of the strongest attack, a fraction, by game."""
    audit: Mapping[str, Mapping[str, SummaryRecord | None]]
    """By attacker and measure: every measure with an interval, in its unit; of membership attacks
    ``tpr_at_1_percent_fpr`` and ``tpr_at_0.1_percent_fpr`` as well, and the AUC and these rates on
    canaries (``canaries_auc``), where the pools resolve them."""
    verdicts: Mapping[str, Count]
    """Number of runs by verdict (PASSED, FAILED, VOID, NO GATES); empty for the uncompressed
    model."""
    best: tuple[FigureName, ...]
    """Figures in which it is better than every other compressed variant of its density, beyond
    what seeds explain: a paired t-test, corrected by Holm."""
    on_front: bool | None
    """Whether no compressed variant of its density dominates it in task accuracy and the advantage
    of every game; null for the uncompressed model."""
    relative_seconds: float | None
    """``seconds`` over those of the uncompressed model, ≥ 0."""
    behaviours: tuple[VariantBehaviourRecord, ...] | None = None
    """Changes by compression that all of its runs measured; not of the uncompressed model."""

    @property
    def label(self) -> str:
        """Return its name, with the budget where one was asked for."""
        return label_of(self.name, self.budget)

    def figure(self, name: FigureName) -> SummaryRecord | None:
        """Return the figure of a column."""
        # ``FigureName`` lists attributes of this class, which the type checker cannot relate.
        summary: SummaryRecord | None = getattr(self, name)
        return summary


class CourseRoundRecord(Record):
    """The best chosen candidate of a round, as it was tested on the pool *select*."""

    round: Count
    """Number of the round, from 1."""
    performance: Fraction
    """Its task metric."""
    advantage: Fraction | None
    """The largest advantage that counts among its attacks; null where no attack tested it."""


class CourseRecord(Record):
    """The rounds of one run."""

    name: str
    """Name of the variant."""
    density: Fraction | None
    """Density that was asked for."""
    budget: float | None = None
    """Budget that was asked for."""
    seed: int
    """Seed of the run."""
    rounds: tuple[CourseRoundRecord, ...]
    """Its rounds."""


class FailureRecord(Record):
    """A run that could not be finished."""

    label: str
    """Variant, density and seed of the run."""
    reason: str
    """Message of its error."""


class ComparisonResults(Record):
    """Content of ``comparison.json``."""

    version: Literal[1]
    """Version of this format."""
    name: str
    """Name of the comparison, from its spec."""
    command: str | None
    """Command line that it was first finished with; null where Python code asked for it."""
    directory: str | None
    """Working directory of that command; null likewise."""
    sha256: Sha256
    """SHA-256 over the resolved specs of all runs."""
    seeds: tuple[int, ...]
    """Seeds, from the spec."""
    densities: tuple[Fraction, ...]
    """Densities, from the spec."""
    budgets: tuple[float, ...] = ()
    """Budgets, from the spec, in trainings of one model."""
    mia: str | None
    """Attacker whose accuracy is the MIA accuracy, from the spec; null for the strongest."""
    environment: Facts
    """Content of ``environment.json`` of one of the runs."""
    variants: tuple[VariantRecord, ...]
    """One for each variant, density and budget; the uncompressed model is the first."""
    courses: tuple[CourseRecord, ...]
    """Runs with rounds."""
    notes: tuple[str, ...] = ()
    """Variants that cost something else than the budgets, each with its cost."""
    failures: tuple[FailureRecord, ...]
    """Runs that could not be finished."""
