"""Numeric columns of a table, and warnings of misleading cells and columns."""

from collections.abc import Collection, Iterator, Mapping
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from safecompress_core.toolkit import DataError
from safecompress_plugins.data.samples import SIDE
from safecompress_plugins.data.tables.columns import RawColumn, Table
from safecompress_plugins.data.tables.manifest import TableParams
from safecompress_plugins.data.tables.numbers import (
    INFINITE,
    Separators,
    numbers_of,
    other_spelling,
)

__all__ = ["NumberColumns"]

FEW = 0.05
"""Maximum share of non-numeric cells in a column of numbers."""
MOST_SPELLINGS = 3
"""Maximum number of distinct non-numeric cells; more of them are codes, such as ``V27``."""
FEWEST_ROWS = 10
"""Minimum number of rows for a column that counts them to be no coincidence."""
MOST_TOLD = 5
"""Maximum number of separate warnings for one reason."""
INDICES = {"", "index", "id", "unnamed: 0", "row", "rowid", "row_id"}


class NumberColumns:
    """Detection of numeric columns, with the original position of each row.

    Args:
        table: all columns with all rows.
        params: of the data set in the spec.

    Attributes:
        rows: original position of the remaining rows, shape (N,), int64, counted from 0.
    """

    def __init__(self, table: Table, params: TableParams) -> None:
        self._params = params
        self._separators = Separators(params.decimal, params.thousands)
        self.rows: NDArray[np.int64] = np.arange(len(table[params.target].cells))
        self._has_sides = SIDE in table
        sides = table[SIDE].cells if self._has_sides else ()
        # Without sides, or without members among them, all rows count as one file.
        self._members_rows = sum(cell == "train" for cell in sides) or len(self.rows)
        # by kind and column, so that a column warned of twice appears once
        self._texts: dict[str, dict[str, str]] = {}

    @property
    def warnings(self) -> list[str]:
        """Warnings of non-numeric cells and of row counters; at most a few of each kind."""
        return [text for texts in self._texts.values() for text in _first(texts)]

    def _warn(self, kind: str, name: str, text: str) -> None:
        self._texts.setdefault(kind, {})[name] = text

    def keep(self, rows: NDArray[np.int64]) -> None:
        """Keep some of the rows, by their positions."""
        self.rows = self.rows[rows]

    def of(self, name: str, column: RawColumn) -> NDArray[np.float64] | None:
        """Return a column of numbers, NaN where missing; None for a column of categories.

        A few non-numeric cells do not make a column categorical: they count as missing, and a
        warning names the first.
        """
        if name in self._params.categorical:
            return None
        numbers = numbers_of(column, self._separators)
        count = len(numbers.odd)
        if not count:
            return numbers.values
        cells = [column.cells[position] for position in numbers.odd]
        first = f"{cells[0]!r} in {self._place(numbers.odd[0])}"
        infinite = all(INFINITE.fullmatch(str(cell)) for cell in cells)
        spelling = other_spelling(column)
        # Infinities are a spreadsheet's missing values even in a column that must be numeric.
        if name in self._params.numeric and not infinite:
            raise DataError(
                f"the column {name!r} must be numeric, but holds {first}",
                hint=f"{spelling or 'add it to missing'}, or remove the column from 'numeric'",
                field=("numeric", self._params.numeric.index(name)),
            )
        share = f"{numbers.known - count} of {numbers.known} cells are finite numbers"
        is_few = count <= FEW * numbers.known and len(set(cells)) <= MOST_SPELLINGS
        if (infinite or is_few) and count < numbers.known:
            self._warn(
                "missing",
                name,
                f"{name}: {first} is no finite number and counts as missing; {share}; add it to "
                f"'missing' if it means that, or write 'categorical: [{name}]' if these are codes",
            )
            return numbers.values
        # Another decimal separator explains all cells at once, so it is suggested first.
        if spelling:
            self._warn(
                "spelling",
                name,
                f"{name}: read as categories, since {first} is no number; {spelling}",
            )
        # Mostly text is an ordinary categorical column and needs no warning.
        elif count < numbers.known / 2:
            self._warn(
                "codes",
                name,
                f"{name}: read as categories, since {first} and {count - 1} more cells are no "
                f"numbers; {share}; write 'categorical: [{name}]' if these are codes, or add the "
                "spelling of a missing value to 'missing'",
            )
        return None

    def _place(self, position: int) -> str:
        """Name a cell's position, counted from 1 within its file or part."""
        row = int(self.rows[position])
        if not self._has_sides:
            return f"row {row + 1}"
        is_member = row < self._members_rows
        inner = row if is_member else row - self._members_rows
        return f"row {inner + 1} of the {'members' if is_member else 'non-members'}"

    def point_out_indices(self, table: Table, roles: Collection[str]) -> None:
        """Warn of inputs that number the rows: they reveal the order, and often the file.

        Args:
            table: all columns, before rows are left out.
            roles: columns that are not inputs, or are categories.
        """
        params = self._params
        for name, column in table.items():
            if params.text or name in roles or name == SIDE:
                continue
            numbers = numbers_of(column, self._separators)
            if numbers.odd or len(numbers.values) < FEWEST_ROWS:
                continue
            # Each file may count its rows from its own start.
            sides = np.split(numbers.values, [self._members_rows])
            is_counting = _counts(numbers.values) or all(
                _counts(side) for side in sides if len(side)
            )
            if is_counting or (name.lower() in INDICES and _is_distinct(numbers.values)):
                self._warn(
                    "index",
                    name,
                    f"{name!r} numbers the rows ({column.cells[0]}, {column.cells[1]}, ...) and is "
                    f"an input; write 'drop: [{name!r}]' if it is an index",
                )


def _first(texts: Mapping[str, str]) -> Iterator[str]:
    """Yield the first warnings of one kind, and name the columns of the others."""
    yield from islice(texts.values(), MOST_TOLD)
    others = list(texts)[MOST_TOLD:]
    if others:
        dots = ", ..." if len(others) > MOST_TOLD else ""
        yield (
            f"and {len(others)} more columns for the same reason: "
            f"{', '.join(map(repr, others[:MOST_TOLD]))}{dots}"
        )


def _counts(values: NDArray[np.float64]) -> bool:
    """Return whether values are consecutive whole numbers in any order."""
    return bool(len(values) > 1 and (np.diff(np.sort(values)) == 1).all() and values[0] % 1 == 0)


def _is_distinct(values: NDArray[np.float64]) -> bool:
    whole = not (values % 1).any()
    return whole and len(np.unique(values)) == len(values)
