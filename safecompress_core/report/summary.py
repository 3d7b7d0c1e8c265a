"""Summary of a run as tables: pure functions of ``results.json``.

Nothing here knows how a table is drawn: a terminal, a page and a test read the same cells.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from safecompress_core.api import GameDef
from safecompress_core.games.records import game_in
from safecompress_core.report.densities import SPARSE_LAYERS, WHOLE_MODEL, states_both
from safecompress_core.report.formatting import format_fraction, format_interval, format_number
from safecompress_core.report.objectives import attack_figure, loss_figure, objective_name
from safecompress_core.report.race.history import noun_of_models, rounds_with_choice
from safecompress_core.results.schema import (
    AnyAttackRecord,
    ArchiveRecord,
    AuditedModel,
    AuditedPart,
    EstimateRecord,
    ModelRecord,
    Results,
)

__all__ = [
    "Cell",
    "ResultTable",
    "Row",
    "archive_ends",
    "audit_of",
    "columns_of",
    "comparison",
    "ends_of",
    "finishing",
    "objectives_of",
    "overview",
    "phases",
    "separability",
]


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure, and what qualifies it: its 95 % interval, or a remark.

    ``is_caution`` marks a worst-case figure that did not improve.
    """

    value: str = ""
    note: str = ""
    is_caution: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table.

    Attributes:
        label: what is measured, or for a heading what the rows below it are about.
        cells: one for each column of the table; none for a heading.
        note: what else is said of a heading.
    """

    label: str
    cells: tuple[Cell, ...] = ()
    note: str = ""

    @property
    def is_heading(self) -> bool:
        """Return whether it is the heading of the rows that follow."""
        return not self.cells


@dataclass(frozen=True, slots=True)
class ResultTable:
    """Figures side by side.

    Attributes:
        title: what they are.
        columns: what they are of; the column of labels has no name.
        rows: the figures.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]


def columns_of(results: Results) -> dict[str, AuditedModel]:
    """The models that results are about, by what a table calls them.

    Next to a model that was finished already there is no uncompressed one.
    """
    if results.baseline is None:
        return {"model": results}
    return {"uncompressed": results.baseline, "compressed": results}


def comparison(results: Results) -> ResultTable:
    """The uncompressed next to the compressed model: metrics, sizes, every attack of the audit."""
    columns = columns_of(results)
    parts = tuple(columns.values())
    rows = [
        *_metric_rows(results, parts, [part.model.file_bytes for part in parts]),
        *_size_rows([part.model for part in parts]),
        *_explored_row(results),
        *_audit_rows(results, parts),
    ]
    return ResultTable("Audit, with 95 % intervals", tuple(columns), tuple(rows))


def overview(results: Results) -> ResultTable:
    """The same models in a few rows: metrics, sizes, and the advantage of every attack."""
    columns = columns_of(results)
    parts = tuple(columns.values())
    rows = (
        *_metric_rows(results, parts, [part.model.file_bytes for part in parts]),
        *_size_rows([part.model for part in parts]),
        *_advantage_rows(results, parts),
    )
    return ResultTable("Audit, with 95 % intervals", tuple(columns), rows)


def objectives_of(results: Results, entry: ArchiveRecord) -> ResultTable:
    """Return the objectives that a model of the archive was kept for."""
    rows = []
    for name, value in entry.objectives.items():
        label = objective_name(results, name)
        if name in results.selection.measures:
            label = f"{label}, {loss_figure(results, name)}"
        elif name != "performance":
            label = f"{_end(results)}{attack_figure(results, name)} of {label}"
        rows.append(Row(label, (Cell(format_number(value)),)))
    return ResultTable("Objectives, on the pool that selects", ("",), tuple(rows))


def audit_of(results: Results, entry: ArchiveRecord) -> ResultTable | None:
    """The audit of a model of the archive; None where it was not audited."""
    if entry.audited is None:
        return None
    parts = (entry.audited,)
    rows = (*_metric_rows(results, parts, [entry.file_bytes]), *_audit_rows(results, parts))
    return ResultTable("Audit, with 95 % intervals", ("",), rows)


def archive_ends(results: Results) -> ResultTable | None:
    """The chosen model next to the ends of the archive; None where no other model was audited."""
    columns: list[str] = []
    parts: list[AuditedPart] = []
    sizes: list[int | None] = []
    for name, part, file_bytes in _list_audited_models(results):
        columns.append(name)
        parts.append(part)
        sizes.append(file_bytes)
    if len(parts) < 2:
        return None
    rows = (*_metric_rows(results, parts, sizes), *_advantage_rows(results, parts))
    return ResultTable("Other models of the archive", tuple(columns), rows)


def finishing(results: Results) -> ResultTable | None:
    """The chosen model before and after its finishers; None without any."""
    method, before = results.method, results.unfinished
    if method is None or before is None:
        return None
    parts: tuple[AuditedModel, ...] = (before, results)
    rows = (
        *_metric_rows(results, parts, [part.model.file_bytes for part in parts]),
        *_size_rows([part.model for part in parts]),
        *_advantage_rows(results, parts),
    )
    stages = ", then ".join(f"{stage.type} ({_name_facts(stage.facts)})" for stage in method.finish)
    return ResultTable(f"Before and after {stages}", ("unfinished", "compressed"), rows)


def _advantage_rows(results: Results, parts: Sequence[AuditedPart]) -> Iterator[Row]:
    """The advantage of every attack of the audit on each model."""
    if results.audit:
        yield Row("advantage of")
    for name in results.audit:
        estimates = [part.audit[name].estimate("advantage") for part in parts]
        yield Row(f"  {name}", tuple(map(_reading, estimates)))


def separability(results: Results) -> ResultTable | None:
    """Return the spread of what was tested against the test's noise, by objective, over rounds."""
    rounds = rounds_with_choice(results)
    if not rounds:
        return None
    rows = []
    for objective in rounds[0].spread:
        records = [round_.spread[objective] for round_ in rounds]
        distinguished = sum(record.tells_apart for record in records)
        spreads = [record.spread for record in records]
        noises = [record.noise for record in records]
        means = [sum(values) / len(records) for values in (spreads, noises)]
        figures = (f"{distinguished} of {len(records)}", *map(format_number, means))
        rows.append(Row(objective_name(results, objective), tuple(map(Cell, figures))))
    columns = ("rounds that could", "mean spread", "mean noise")
    title = f"Could a round's test distinguish its {noun_of_models(results)}?"
    return ResultTable(title, columns, tuple(rows))


def phases(results: Results) -> ResultTable | None:
    """Return a method's phases in order; None without any."""
    method = results.method
    if method is None or not method.phases:
        return None
    rows = [
        Row(phase.name, (Cell(str(phase.epochs)), Cell(format_fraction(phase.density))))
        for phase in method.phases
    ]
    title = f"How {method.type} came to its model"
    return ResultTable(title, ("epochs", "density after it"), tuple(rows))


def _name_facts(facts: Mapping[str, Any]) -> str:
    """Return facts with their values; fractions to three digits."""
    return ", ".join(
        f"{name.replace('_', ' ')} {format_number(value) if isinstance(value, float) else value}"
        for name, value in facts.items()
    )


def _end(results: Results) -> str:
    """Return the end of an interval that serves as objective."""
    return "upper end of the " if results.selection.bound == "careful" else ""


def ends_of(results: Results) -> dict[str, str]:
    """Ids of the models at the archive's ends, by ``performance`` and ``safety``.

    Empty without an archive. The same models as ``choose.archive.Archive.ends``.
    """
    archive = results.archive
    if not archive:
        return {}
    attackers = results.selection.attackers

    def leak(entry: ArchiveRecord) -> tuple[float, float]:
        leaks = [attacker.weight * entry.objectives[name] for name, attacker in attackers.items()]
        return max(leaks, default=0.0), sum(leaks)

    def performance(entry: ArchiveRecord) -> float:
        return entry.objectives["performance"]

    best = max(archive, key=lambda entry: (performance(entry), -leak(entry)[1]))
    safest = min(archive, key=lambda entry: (*leak(entry), -performance(entry)))
    return {"performance": best.id, "safety": safest.id}


def _list_audited_models(results: Results) -> Iterator[tuple[str, AuditedPart, int | None]]:
    """Yield the chosen model and each other audited end of the archive: label, part, file size."""
    ends = ends_of(results)
    chosen = next((entry.id for entry in results.archive if entry.chosen), None)
    roles = {"performance": "best at the task", "safety": "safest"}
    roles_of: dict[str, list[str]] = {}
    for end, model in ends.items():
        roles_of.setdefault(model, []).append(roles[end])
    names = [chosen or "compressed", "chosen", *roles_of.pop(chosen or "", [])]
    yield _stack_label(names), results, results.model.file_bytes
    for entry in results.archive:
        if entry.id in roles_of and entry.audited is not None:
            yield _stack_label([entry.id, *roles_of[entry.id]]), entry.audited, entry.file_bytes


def _stack_label(names: Sequence[str]) -> str:
    """A column's name: the model, and below it what it is."""
    return f"{names[0]}\n{', '.join(names[1:])}"


def _metric_rows(
    results: Results, parts: Sequence[AuditedPart], file_bytes: Sequence[int | None]
) -> Iterator[Row]:
    """The metrics but for a file's size, which the table has anyway."""
    for name in parts[0].metrics:
        readings = [part.metrics[name] for part in parts]
        if [reading.value for reading in readings] == list(file_bytes):
            continue
        # Another metric need not be about samples at all, and results do not say so.
        label = f"test {name}" if name == results.selection.performance else name
        yield Row(label, tuple(map(_reading, readings)))


def _size_rows(models: Sequence[ModelRecord]) -> Iterator[Row]:
    if all(model.density is not None for model in models):
        yield from _density_rows(models)
    counts = [model.parameters if model.active is None else model.active for model in models]
    if None not in counts:
        yield Row(
            "parameters",
            tuple(
                Cell(f"{count:,}", _share_of_all(model))
                for count, model in zip(counts, models, strict=True)
            ),
        )
    # Of predictions, and of a model in memory, there is no file.
    if all(model.file_bytes is not None for model in models):
        yield Row(
            "model file",
            tuple(Cell(f"{model.file_bytes:,} bytes", _times_smaller(model)) for model in models),
        )


def _density_rows(models: Sequence[ModelRecord]) -> Iterator[Row]:
    """Yield both densities, each by its name, where one of them would mislead."""
    rows = {"density": [model.density for model in models]}
    if any(states_both(model.sparsifiable) for model in models):
        rows = {
            SPARSE_LAYERS: rows["density"],
            WHOLE_MODEL: [model.model_density for model in models],
        }
    for label, densities in rows.items():
        yield Row(
            label,
            tuple(Cell(format_fraction(density)) for density in densities if density is not None),
        )


def _explored_row(results: Results) -> Iterator[Row]:
    """Return the number of weights that were ever active, if the topology changed."""
    explored = None if results.method is None else results.method.facts.get("explored")
    if isinstance(explored, float):
        yield Row("weights ever active", (Cell("–"), Cell(format_fraction(explored))))


def _share_of_all(model: ModelRecord) -> str:
    """The density of the whole model; empty for the uncompressed one, and where it is unknown."""
    density = model.model_density
    return "" if density is None or density == 1 else f"{format_fraction(density)} of all"


def _times_smaller(model: ModelRecord) -> str:
    """Empty for the uncompressed model itself."""
    if model.file_bytes == model.dense_bytes or not model.file_bytes or not model.dense_bytes:
        return ""
    times = model.dense_bytes / model.file_bytes
    return f"{times:.1f}× smaller" if times > 1 else f"{1 / times:.1f}× larger"


def _audit_rows(results: Results, parts: Sequence[AuditedPart]) -> Iterator[Row]:
    for name, attack in parts[0].audit.items():
        game = game_in(results.games, attack.game)
        yield Row(name, note=game.name)
        yield from _attack_rows(game, [part.audit[name] for part in parts])


def _attack_rows(game: GameDef, attacks: Sequence[AnyAttackRecord]) -> Iterator[Row]:
    """Return an attack's result on each model, with that of a guess without the model."""
    values = dict(attacks[0])
    for measure in game.measures:
        readings = [attack.estimate(measure.name) for attack in attacks]
        if not measure.is_shown or not any(readings):
            continue
        guess = f" (guess {format_number(values[measure.guess])})" if measure.guess else ""
        yield Row(f"  {measure.title}{guess}", tuple(map(_reading, readings)))


def _reading(estimate: EstimateRecord | None) -> Cell:
    if estimate is None:
        return Cell("–")
    low, high = estimate.interval
    # What has no uncertainty, such as the size of a file, has no interval to show.
    is_exact = low == high == estimate.value
    return Cell(format_number(estimate.value), "" if is_exact else format_interval(low, high))
