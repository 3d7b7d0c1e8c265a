"""Results as rows, and rows as data frames of pandas, which is optional."""

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from safecompress_core.errors import MissingExtraError
from safecompress_core.report.summary import columns_of
from safecompress_core.results.schema import (
    AuditedPart,
    ComparisonResults,
    MeasuresRecord,
    Results,
    SummaryRecord,
)
from safecompress_core.results.score_file import COLUMN_NAMES, ScoredRecords

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["FrameName", "data_frame", "record_columns", "rows_of", "variant_rows"]

FrameName: TypeAlias = Literal["attacks", "records", "rounds", "archive"]

Row: TypeAlias = dict[str, Any]

FIGURES = (
    *("kept", "model_density", "task_accuracy", "mia_accuracy", "tm_score", "auc"),
    *("tpr_at_1_percent_fpr", "lift", "bytes", "trainings", "steps", "seconds", "cpu_seconds"),
)
"""Figures of a variant over its seeds."""


def data_frame(rows: Sequence[Row] | Mapping[str, Sequence[Any]]) -> "DataFrame":
    """Return rows, or columns by name, as a data frame; empty where a row has no such key.

    Raises:
        MissingExtraError: if pandas is not installed.
    """
    try:
        pandas = import_module("pandas")
    except ModuleNotFoundError as error:
        raise MissingExtraError("pandas", extra="pandas") from error
    frame: DataFrame = pandas.DataFrame(rows)
    return frame


def rows_of(results: Results, name: FrameName) -> list[Row]:
    """Return one of the tables of a run that ``results.json`` holds.

    Args:
        results: of the run.
        name: ``attacks``: a row for each attack on each model of the audit. ``rounds``: a row for
            each model that a round tests. ``archive``: a row for each non-dominated model.

    Raises:
        ValueError: if there is no such table.
    """
    tables = {"attacks": _attacks, "rounds": _rounds, "archive": _archive}
    if name not in tables:
        raise ValueError(f"there is no frame {name!r}; there are {', '.join(get_args(FrameName))}")
    return list(tables[name](results))


def record_columns(scored: Sequence[ScoredRecords]) -> dict[str, list[Any]]:
    """Return the columns of ``scores.parquet``: a row for each record, by attack and model."""
    return {
        name: [value for one in scored for value in _values(getattr(one, name), len(one))]
        for name in COLUMN_NAMES
    }


def _values(column: Any, count: int) -> list[Any]:
    if column is None or isinstance(column, str):
        return [column] * count
    values: list[Any] = column.tolist()
    return values


def variant_rows(comparison: ComparisonResults) -> list[Row]:
    """Return a row for each variant: means over the seeds, and the ends of their intervals."""
    rows = []
    for variant in comparison.variants:
        row: Row = {
            "variant": variant.name,
            "method": variant.method,
            "density": variant.density,
            "budget": variant.budget,
            "on_front": variant.on_front,
        }
        for name in FIGURES:
            figure: SummaryRecord | None = getattr(variant, name)
            low, high = (None, None) if figure is None else figure.interval or (None, None)
            row |= {name: None if figure is None else figure.mean}
            row |= {f"{name}_low": low, f"{name}_high": high}
        rows.append(row)
    return rows


def _attacks(results: Results) -> Iterator[Row]:
    models: dict[str, AuditedPart] = {**columns_of(results)}
    if results.unfinished is not None:
        models["unfinished"] = results.unfinished
    for model, part in models.items():
        for attack, record in part.audit.items():
            yield {"model": model, "attack": attack, "game": record.game, **_estimates(record)}


def _estimates(record: MeasuresRecord) -> Row:
    """Return each measure, and the ends of its 95 % interval."""
    row: Row = {}
    for measure, estimate in record.estimates().items():
        low, high = estimate.interval
        row |= {measure: estimate.value, f"{measure}_low": low, f"{measure}_high": high}
    return row


def _rounds(results: Results) -> Iterator[Row]:
    for round_ in results.rounds:
        for model in round_.candidates:
            low, high = model.difference_interval
            yield {
                "round": round_.round,
                "epochs": round_.epochs,
                "id": model.id,
                "lineage": model.lineage,
                "parent": model.parent,
                "strategy": model.strategy,
                "learning_rate": model.settings.learning_rate,
                "density": model.density,
                **_objectives(model.objectives),
                "utility": model.utility,
                "difference": model.difference,
                "difference_low": low,
                "difference_high": high,
                "significant": model.significant,
                "chosen": model.chosen,
                "left": None if model.left is None else model.left.reason,
            }


def _archive(results: Results) -> Iterator[Row]:
    for entry in results.archive:
        yield {
            "id": entry.id,
            "strategy": entry.strategy,
            "learning_rate": entry.settings.learning_rate,
            "density": entry.settings.density,
            **_objectives(entry.objectives),
            "chosen": entry.chosen,
            "file": entry.file,
            "file_bytes": entry.file_bytes,
        }


def _objectives(objectives: Mapping[str, float]) -> Row:
    # An attacker may have any id, also that of another column.
    return {f"objective {name}": value for name, value in objectives.items()}
