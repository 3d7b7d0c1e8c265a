"""Numbers in text cells: parsed with stated separators, detected with others."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from safecompress_plugins.data.tables.columns import RawColumn

__all__ = ["INFINITE", "Numbers", "Separators", "numbers_of", "other_spelling"]

INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
ALIKE = 0.95
"""Minimum share of cells that are numbers in another spelling for it to be suggested."""


@dataclass(frozen=True)
class Separators:
    """Separators of decimals and of groups of three digits.

    Attributes:
        decimal: a single character.
        thousands: a single character; None for none.
    """

    decimal: str = "."
    thousands: str | None = None

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Pattern of a number with these separators."""
        decimal, whole = re.escape(self.decimal), r"\d+"
        if self.thousands:
            # Grouped digits or plain ones, never a mixture: "1,23,4" is no number.
            whole = rf"(?:\d{{1,3}}(?:{re.escape(self.thousands)}\d{{3}})+|\d+)"
        number = rf"[+-]?(?:{whole}(?:{decimal}\d*)?|{decimal}\d+)(?:[eE][+-]?\d+)?"
        # re.ASCII: digits of other scripts are text, although float() would read them.
        return re.compile(number, re.ASCII)

    def number(self, cell: str) -> float | None:
        """Parse a cell, possibly to infinity; None if it is not a number."""
        if INFINITE.fullmatch(cell):
            return -np.inf if cell.startswith("-") else np.inf
        if not self.pattern.fullmatch(cell):
            return None
        plain = cell.replace(self.thousands, "") if self.thousands else cell
        return float(plain.replace(self.decimal, "."))


OTHERS = {
    "'decimal: \",\"'": Separators(","),
    "'thousands: \",\"'": Separators(".", ","),
    "'decimal: \",\"' and 'thousands: \".\"'": Separators(",", "."),
    "'decimal: \",\"' and 'thousands: \" \"'": Separators(",", " "),
    "'thousands: \" \"'": Separators(".", " "),
    "'thousands: \"\\'\"'": Separators(".", "'"),
    "'thousands: \"_\"'": Separators(".", "_"),
    "'decimal: \".\"'": Separators(),
}
"""Spellings in use, by the parameters that select them."""


@dataclass(frozen=True)
class Numbers:
    """A column as numbers.

    Attributes:
        values: shape (N,), float64, NaN where there is no finite number.
        odd: positions of cells that are present and not finite numbers, ascending.
        known: number of cells that are present.
    """

    values: NDArray[np.float64]
    odd: tuple[int, ...]
    known: int


def numbers_of(column: RawColumn, separators: Separators) -> Numbers:
    """Parse all cells of a column; collect those that are not finite numbers."""
    # Distinct cells are parsed once: columns repeat their values.
    read = {cell: separators.number(cell) for cell in set(column.cells) if cell is not None}
    values = np.full(len(column.cells), np.nan)
    odd = []
    for position, cell in enumerate(column.cells):
        number = None if cell is None else read[cell]
        if number is not None and np.isfinite(number):
            values[position] = number
        elif cell is not None:
            odd.append(position)
    return Numbers(values, tuple(odd), len(column.cells) - int(column.missing.sum()))


def other_spelling(column: RawColumn) -> str:
    """Suggest parameters under which a column would be numeric; empty if there are none."""
    cells = [cell for cell in column.cells if cell is not None]
    fitting = [said for said, separators in OTHERS.items() if _share(cells, separators) >= ALIKE]
    if fitting:
        return f"write {' or '.join(_simplest(fitting))} if these are numbers"
    # A constant unit or currency sign around every number: "$5", "12 kg".
    bare = [re.sub(r"^[^\d+.-]+|[^\d.]+$", "", cell) for cell in cells]
    signs = {cell.replace(number, "\0", 1) for cell, number in zip(cells, bare, strict=True)}
    # A single distinct remainder means that all cells carry the same sign.
    if len(signs) == 1 and max(_share(bare, separators) for separators in OTHERS.values()) >= ALIKE:
        return "write the numbers without units or currency signs"
    return ""


def _share(cells: list[str], separators: Separators) -> float:
    count = sum(separators.pattern.fullmatch(cell) is not None for cell in cells)
    return count / len(cells) if cells else 0.0


def _simplest(fitting: list[str]) -> Iterator[str]:
    """Yield the suggestions that contain no smaller sufficient one."""
    for said in fitting:
        if not any(other != said and other in said for other in fitting):
            yield said
