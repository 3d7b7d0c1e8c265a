"""Result of a comparison: its folder, its record, and what can be made of both."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from safecompress_core.atomic_writing import write_bytes
from safecompress_core.python.arguments import GivenPath
from safecompress_core.python.frames import data_frame, variant_rows
from safecompress_core.python.notebook_table import as_html, as_lines
from safecompress_core.report.comparison.variants import comparison_verdict, variant_table
from safecompress_core.report.comparison.variants_page import render
from safecompress_core.report.summary import Cell, ResultTable, Row
from safecompress_core.results.schema import ComparisonResults

if TYPE_CHECKING:
    from pandas import DataFrame

__all__ = ["ComparisonResult"]


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ComparisonResult:
    """A comparison: finished but for the runs in ``results.failures``.

    Attributes:
        path: its folder; ``runs/`` in it holds the run directories.
        results: the content of its ``comparison.json``.
    """

    path: Path
    results: ComparisonResults

    def frame(self) -> "DataFrame":
        """Return a data frame of pandas: a row for each variant, density and budget.

        Every figure is the mean over the seeds, with the ends of its 95 % interval.

        Raises:
            MissingExtraError: if pandas is not installed.
        """
        return data_frame(variant_rows(self.results))

    def report(self, path: GivenPath) -> Path:
        """Write the report, one HTML page that needs no other file, and return its path.

        Raises:
            WriteError: if it cannot be written.
        """
        place = Path(path)
        write_bytes(place, render(self.results).encode())
        return place

    def _table(self) -> ResultTable:
        table = variant_table(self.results)
        rows = [
            Row(
                f"{variant.name} {variant.density}".strip(),
                tuple(Cell(figure.value, figure.reach) for figure in variant.figures),
            )
            for variant in table.rows
        ]
        return ResultTable(self.results.name, table.columns, tuple(rows))

    def __repr__(self) -> str:
        return as_lines(comparison_verdict(self.results), self._table(), self.path)

    def _repr_html_(self) -> str:
        return as_html(comparison_verdict(self.results), self._table(), self.path)
