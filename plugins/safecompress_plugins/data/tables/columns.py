"""Raw columns of a table, independent of the file format."""

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from safecompress_core.toolkit import DataError

__all__ = ["RawColumn", "Table", "cell_of", "require_columns"]


@dataclass(frozen=True)
class RawColumn:
    """Cells of a column; None for a missing value."""

    cells: Sequence[str | None]

    @cached_property
    def missing(self) -> NDArray[np.bool_]:
        """Mask of missing cells, shape (N,)."""
        return np.fromiter((cell is None for cell in self.cells), bool, len(self.cells))

    def take(self, rows: NDArray[np.int64]) -> "RawColumn":
        """Select rows."""
        return RawColumn([self.cells[row] for row in rows.tolist()])


Table = Mapping[str, RawColumn]


def cell_of(value: Any, blank: Collection[str]) -> str | None:
    """Convert any value to a cell; None for NaN, None, and spellings of missing."""
    # NaN of any library differs from itself; pandas.NA has no truth value, so its type's name
    # decides.
    if value is None or value != value or type(value).__name__ == "NAType":  # noqa: PLR0124  NaN
        return None
    text = str(value).strip()
    return None if text in blank else text


def require_columns(
    table: Iterable[str],
    wanted: Iterable[tuple[tuple[str | int, ...], str]],
    *,
    noun: str = "column",
) -> None:
    """Require that every name is a column.

    Args:
        table: the names of all columns.
        wanted: path of the parameter, and the name it gives.
        noun: what is named.

    Raises:
        DataError: for the first unknown name; it suggests the nearest, and lists all.
    """
    there = list(table)
    for field, name in wanted:
        if name not in there:
            near = difflib.get_close_matches(name, there, n=1)
            guess = f"did you mean {near[0]!r}? " if near else ""
            raise DataError(
                f"there is no {noun} {name!r}",
                hint=f"{guess}there are: {', '.join(there)}",
                field=field,
            )
