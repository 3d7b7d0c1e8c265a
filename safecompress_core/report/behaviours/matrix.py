"""Changes of behaviours by the variants of a comparison, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

from safecompress_core.report.formatting import format_interval, format_number
from safecompress_core.results.schema import (
    UNDECIDED,
    ChangeVerdict,
    ComparisonResults,
    VariantBehaviourRecord,
    VariantRecord,
)

__all__ = ["ChangeCell", "ChangeMatrix", "MatrixRow", "change_matrix"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCell:
    """One behaviour of one variant.

    Attributes:
        after: mean of the compressed models; empty where the variant has no such figure.
        change: mean of the changes.
        interval: of the change; empty where it is exact, as a number of bytes.
        verdict: as in ``comparison.json``; None likewise.
        direction: of a change beyond noise ``better`` or ``worse``, else ``same``.
    """

    after: str = ""
    change: str = ""
    interval: str = ""
    verdict: ChangeVerdict | None = None
    direction: str = "same"


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixRow:
    """One behaviour of all variants.

    Attributes:
        name: the metric; of an attack ``<attacker>.<measure>``.
        before: mean of the uncompressed models.
        noise: by how much re-trained uncompressed models differ from these; empty without any.
        cells: of each variant.
    """

    name: str
    before: str
    noise: str
    cells: tuple[ChangeCell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeMatrix:
    """Behaviours by row, variants by column.

    Attributes:
        columns: names of the variants.
        rows: the behaviours.
    """

    columns: tuple[str, ...]
    rows: tuple[MatrixRow, ...]


def change_matrix(comparison: ComparisonResults) -> ChangeMatrix | None:
    """Return what the variants changed; None where no run states it."""
    variants = [row for row in comparison.variants if row.behaviours]
    if not variants:
        return None
    found = [{one.name: one for one in row.behaviours or ()} for row in variants]
    names = dict.fromkeys(name for rows in found for name in rows)
    return ChangeMatrix(
        columns=tuple(map(_label, variants)),
        rows=tuple(_row(name, [rows.get(name) for rows in found]) for name in names),
    )


def _row(name: str, records: Sequence[VariantBehaviourRecord | None]) -> MatrixRow:
    # All variants share the uncompressed models, and those that are trained again.
    shared = next(record for record in records if record is not None)
    return MatrixRow(
        name=name,
        before=format_number(shared.before.mean),
        noise="" if shared.noise is None else format_number(shared.noise),
        cells=tuple(map(_cell, records)),
    )


def _label(row: VariantRecord) -> str:
    return row.label if row.density is None else f"{row.label} {row.density:g}"


def _cell(record: VariantBehaviourRecord | None) -> ChangeCell:
    if record is None:
        return ChangeCell()
    mean = record.change.mean
    direction = "same"
    if record.verdict not in ("within noise", UNDECIDED):
        direction = "better" if (mean > 0) == (record.higher == "better") else "worse"
    change = format_number(mean)
    low, high = record.interval or (mean, mean)
    return ChangeCell(
        after=format_number(record.after.mean),
        change=f"+{change}" if mean > 0 else change,
        interval="" if low == high else format_interval(low, high),
        verdict=record.verdict,
        direction=direction,
    )
