"""Columns of numbers in a table: which they are, and warnings of cells and columns that mislead."""

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
"""The share of cells that may be no numbers in a column of numbers."""
MOST_SPELLINGS = 3
"""How many different cells they may be; more of them are codes, such as ``V27``."""
FEWEST_ROWS = 10
"""Rows from which a column that counts them is no coincidence."""
MOST_TOLD = 5
"""Columns that are warned of one by one for the same reason."""
INDICES = {"", "index", "id", "unnamed: 0", "row", "rowid", "row_id"}


class NumberColumns:
    """Decides which columns hold numbers, and remembers where each row was read.

    Args:
        table: all columns with all rows.
        params: what a spec says of them.

    Attributes:
        rows: where the rows that are left were read, shape (N,), int64, counted from 0.
    """

    def __init__(self, table: Table, params: TableParams) -> None:
        self._params = params
        self._separators = Separators(params.decimal, params.thousands)
        self.rows: NDArray[np.int64] = np.arange(len(table[params.target].cells))
        self._has_sides = SIDE in table
        sides = table[SIDE].cells if self._has_sides else ()
        self._members_rows = sum(cell == "train" for cell in sides) or len(self.rows)
        self._told: dict[str, dict[str, str]] = {}  # by kind and column

    @property
    def warnings(self) -> list[str]:
        """Of cells that are no numbers, and of columns that count the rows; few of each kind."""
        return [text for told in self._told.values() for text in _first(told)]

    def _warn(self, kind: str, name: str, text: str) -> None:
        self._told.setdefault(kind, {})[name] = text

    def keep(self, rows: NDArray[np.int64]) -> None:
        """Take note that some of the rows are left, by their positions."""
        self.rows = self.rows[rows]

    def of(self, name: str, column: RawColumn) -> NDArray[np.float64] | None:
        """A column of numbers, NaN where one is missing; None for a column of categories.

        A few cells that are no numbers do not make it one of categories: they count as missing, and
        a warning names the first.
        """
        if name in self._params.categorical:
            return None
        found = numbers_of(column, self._separators)
        count = len(found.odd)
        if not count:
            return found.values
        cells = [column.cells[position] for position in found.odd]
        first = f"{cells[0]!r} in {self._place(found.odd[0])}"
        infinite = all(INFINITE.fullmatch(str(cell)) for cell in cells)
        spelling = other_spelling(column)
        if name in self._params.numeric and not infinite:
            raise DataError(
                f"the column {name!r} holds {first}, which is no number",
                mend=f"{spelling or 'add it to missing'}, or take the column out of 'numeric'",
                field=("numeric", self._params.numeric.index(name)),
            )
        share = f"{found.known - count} of {found.known} cells are finite numbers"
        is_few = count <= FEW * found.known and len(set(cells)) <= MOST_SPELLINGS
        if (infinite or is_few) and count < found.known:
            self._warn(
                "missing",
                name,
                f"{name}: {first} is no finite number and counts as missing; {share}; add it to "
                f"'missing' if it means that, or write 'categorical: [{name}]' if these are codes",
            )
            return found.values
        if spelling:
            self._warn(
                "spelling",
                name,
                f"{name}: read as categories, since {first} is no number; {spelling}",
            )
        elif count < found.known / 2:
            self._warn(
                "codes",
                name,
                f"{name}: read as categories, since {first} and {count - 1} more cells are no "
                f"numbers; {share}; write 'categorical: [{name}]' if these are codes, or add what "
                "means that there is none to 'missing'",
            )
        return None

    def _place(self, position: int) -> str:
        """Where a cell was read, each row counted from 1 within its file or part."""
        row = int(self.rows[position])
        if not self._has_sides:
            return f"row {row + 1}"
        is_member = row < self._members_rows
        inner = row if is_member else row - self._members_rows
        return f"row {inner + 1} of the {'members' if is_member else 'non-members'}"

    def point_out_indices(self, table: Table, roles: Collection[str]) -> None:
        """Warn of inputs that count the rows: they tell the order, and often the file.

        Args:
            table: all columns, before any row is left out.
            roles: columns that are no inputs, or are said to be categories.
        """
        params = self._params
        for name, column in table.items():
            if params.text or name in roles or name == SIDE:
                continue
            numbers = numbers_of(column, self._separators)
            if numbers.odd or len(numbers.values) < FEWEST_ROWS:
                continue
            sides = np.split(numbers.values, [self._members_rows])
            is_counting = _counts(numbers.values) or all(_counts(one) for one in sides if len(one))
            if is_counting or (name.lower() in INDICES and _is_distinct(numbers.values)):
                self._warn(
                    "index",
                    name,
                    f"{name!r} numbers the rows ({column.cells[0]}, {column.cells[1]}, ...) and is "
                    f"an input; write 'drop: [{name!r}]' if it is an index",
                )


def _first(told: Mapping[str, str]) -> Iterator[str]:
    """The first warnings of one kind, by column, and which columns the others are of."""
    yield from islice(told.values(), MOST_TOLD)
    others = list(told)[MOST_TOLD:]
    if others:
        dots = ", ..." if len(others) > MOST_TOLD else ""
        yield (
            f"and {len(others)} more columns for the same reason: "
            f"{', '.join(map(repr, others[:MOST_TOLD]))}{dots}"
        )


def _counts(values: NDArray[np.float64]) -> bool:
    """Whether values are consecutive whole numbers in any order."""
    return bool(len(values) > 1 and (np.diff(np.sort(values)) == 1).all() and values[0] % 1 == 0)


def _is_distinct(values: NDArray[np.float64]) -> bool:
    whole = not (values % 1).any()
    return whole and len(np.unique(values)) == len(values)
