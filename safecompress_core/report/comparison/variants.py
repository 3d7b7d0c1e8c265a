"""A comparison as one table, the same for every way to draw it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from safecompress_core.report.densities import states_both
from safecompress_core.report.formatting import format_fraction, format_number
from safecompress_core.report.verdict import VerdictFinding
from safecompress_core.results.schema import (
    ComparisonResults,
    FigureName,
    SummaryRecord,
    VariantRecord,
)

__all__ = [
    "COLUMNS",
    "Figure",
    "Variant",
    "VariantTable",
    "comparison_verdict",
    "legend",
    "variant_table",
]

WORDS = ("VOID", "FAILED", "PASSED", "NO GATES")
"""Verdicts of runs, the worst first."""

COLUMNS: Mapping[FigureName, str] = {
    "task_accuracy": "accuracy",
    "mia_accuracy": "MIA acc.",
    "tm_score": "TM",
    "auc": "AUC",
    "tpr_at_1_percent_fpr": "TPR@1%",
    "lift": "lift",
    "bytes": "bytes",
    "trainings": "trainings",
    "steps": "steps",
    "seconds": "seconds",
    "cpu_seconds": "CPU s",
}
"""The figures of a row by their names in ``comparison.json``, and what heads their columns."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean over seeds.

    Attributes:
        value: as people write it; a dash where nothing measured it.
        reach: half of its 95 % interval; empty with a single seed, and where seeds agree.
        is_best: whether it leads its density beyond what seeds explain.
    """

    value: str = "–"
    reach: str = ""
    is_best: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """A row.

    Attributes:
        place: counted from 1; pictures call it that.
        name: of the variant, with the budget that was asked for.
        density: as people write it; empty for the uncompressed model.
        figures: one for each column.
        on_front: whether no compressed variant of its density dominates it; None for what is not
            compressed.
        times: its seconds over the uncompressed model's; empty if not measured.
        verdict: of its runs; where seeds differ, each with how many have it.
    """

    place: int
    name: str
    density: str
    figures: tuple[Figure, ...]
    on_front: bool | None
    times: str
    verdict: str


@dataclass(frozen=True, slots=True)
class VariantTable:
    """Headings of the figures, and the rows."""

    columns: tuple[str, ...]
    rows: tuple[Variant, ...]


def variant_table(comparison: ComparisonResults, *, without: Sequence[str] = ()) -> VariantTable:
    """The table of ``comparison.json``.

    Args:
        comparison: its content.
        without: columns to leave out, next to those that nothing measured.
    """
    rows = comparison.variants
    names = [
        name for name in COLUMNS if name not in without and any(row.figure(name) for row in rows)
    ]
    return VariantTable(
        tuple(COLUMNS[name] for name in names),
        tuple(_variant(place, row, names) for place, row in enumerate(rows, start=1)),
    )


def _variant(place: int, row: VariantRecord, names: Sequence[FigureName]) -> Variant:
    times = row.relative_seconds
    return Variant(
        place=place,
        name=row.label,
        density=_density(row),
        figures=tuple(_figure(row.figure(name), is_best=name in row.best) for name in names),
        on_front=row.on_front,
        times="" if times is None else f"{format_number(times, decimals=1)}×",
        verdict=_verdicts(row.verdicts),
    )


def _verdicts(counts: Mapping[str, int]) -> str:
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{counts[word]} {word}" for word in WORDS if word in counts)


def comparison_verdict(comparison: ComparisonResults) -> VerdictFinding:
    """One sentence for all runs: VOID or FAILED if one of them is, PASSED if all of them are."""
    counts = Counter[str]()
    for row in comparison.variants:
        counts.update(row.verdicts)
    runs = sum(counts.values())
    if counts["VOID"]:
        text = f"VOID: in {counts['VOID']} of {runs} runs a control failed; they prove nothing."
        return VerdictFinding(text, is_good=False)
    if counts["FAILED"]:
        text = f"FAILED: {counts['FAILED']} of {runs} runs miss a gate."
        return VerdictFinding(text, is_good=False)
    if not counts["PASSED"]:
        return VerdictFinding(
            "NO GATES: the specs set none, so there is nothing to pass or to fail."
        )
    which = "the run meets" if runs == 1 else f"all {runs} runs meet"
    return VerdictFinding(f"PASSED: {which} every gate.", is_good=True)


def _density(row: VariantRecord) -> str:
    """Return the requested density, or else the actual one."""
    density = row.density
    if density is None and row.kept is not None:
        density = row.kept.mean
    if density is None or density == 1:
        return ""
    of_all = ""
    if row.model_density is not None and states_both(row.sparsifiable):
        of_all = f" ({format_fraction(row.model_density.mean)} of all)"
    return f"{density:.4g}{of_all}"


def _figure(summary: SummaryRecord | None, *, is_best: bool) -> Figure:
    if summary is None:
        return Figure()
    interval = summary.interval
    half = 0.0 if interval is None else (interval[1] - interval[0]) / 2
    reach = f"±{format_number(half)}" if half else ""
    return Figure(format_number(summary.mean), reach, is_best)


def legend(comparison: ComparisonResults) -> Iterator[str]:
    """Return the legend of the table, one sentence each."""
    seeds = len(comparison.seeds)
    if seeds > 1:
        yield f"Means over {seeds} seeds, ± half of the 95 % interval by Student's t."
        yield (
            "Bold: better than every other compressed variant of its density in a paired t-test "
            "over seeds, corrected by Holm; where nothing is bold, seeds explain the lead."
        )
    else:
        yield "One seed: nothing here says what another seed would show, so nothing is bold."
    yield (
        "AUC, TPR and lift are those of the audit's strongest attack on each model; "
        f"TM, the papers' score, is accuracy over MIA accuracy{_mia(comparison)}."
    )
    if any(row.trainings for row in comparison.variants):
        yield (
            "Trainings: the cost of a variant in trainings of one model, candidates and swap twins "
            "included; steps: the optimizer steps of these."
        )
    if comparison.budgets:
        yield "Variants of one budget are compared, with those that take none."
        yield from (f"{note}." for note in comparison.notes)
    yield (
        "Front (✓): no compressed variant of its density is as accurate and as safe in every game, "
        "and better in one of them."
    )


def _mia(comparison: ComparisonResults) -> str:
    attacker = comparison.mia
    return f", which is that of {attacker}" if attacker else ", the highest that an attack reached"
