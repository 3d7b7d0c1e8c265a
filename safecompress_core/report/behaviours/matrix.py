"""Changes of behaviours by the variants of a comparison, side by side."""

from dataclasses import dataclass

from safecompress_core.report.formatting import format_number
from safecompress_core.results.schema import (
    UNDECIDED,
    ChangeVerdict,
    ComparisonResults,
    VariantBehaviourRecord,
    VariantRecord,
)

__all__ = ["ChangeCell", "ChangeMatrix", "change_matrix"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCell:
    """One behaviour of one variant.

    Attributes:
        after: mean of the compressed models; empty where the variant has no such figure.
        change: mean of the changes.
        verdict: as in ``comparison.json``; None likewise.
        direction: of a change beyond noise ``better`` or ``worse``, else ``same``.
    """

    after: str = ""
    change: str = ""
    verdict: ChangeVerdict | None = None
    direction: str = "same"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeMatrix:
    """Behaviours by row, variants by column.

    Attributes:
        columns: names of the variants.
        rows: of each behaviour its name and a cell a variant.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[ChangeCell, ...]], ...]


def change_matrix(comparison: ComparisonResults) -> ChangeMatrix | None:
    """Return what the variants changed; None where no run states it."""
    variants = [row for row in comparison.variants if row.behaviours]
    if not variants:
        return None
    found = [{one.name: one for one in row.behaviours or ()} for row in variants]
    names = dict.fromkeys(name for rows in found for name in rows)
    return ChangeMatrix(
        columns=tuple(map(_label, variants)),
        rows=tuple((name, tuple(_cell(rows.get(name)) for rows in found)) for name in names),
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
    return ChangeCell(
        after=format_number(record.after.mean),
        change=f"+{change}" if mean > 0 else change,
        verdict=record.verdict,
        direction=direction,
    )
