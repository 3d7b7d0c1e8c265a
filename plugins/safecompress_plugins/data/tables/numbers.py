"""Numbers in cells of text: read with stated separators, and recognised where others were meant."""

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
"""The share of cells that have to be numbers in another spelling for it to be the one meant."""


@dataclass(frozen=True)
class Separators:
    """What stands before decimals, and between groups of three digits.

    Attributes:
        decimal: a single character.
        thousands: a single character; None for none.
    """

    decimal: str = "."
    thousands: str | None = None

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """What a number is."""
        decimal, whole = re.escape(self.decimal), r"\d+"
        if self.thousands:
            whole = rf"(?:\d{{1,3}}(?:{re.escape(self.thousands)}\d{{3}})+|\d+)"
        number = rf"[+-]?(?:{whole}(?:{decimal}\d*)?|{decimal}\d+)(?:[eE][+-]?\d+)?"
        return re.compile(number, re.ASCII)

    def number(self, cell: str) -> float | None:
        """Return the number that a cell holds, perhaps an infinite one; None if it holds none."""
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
"""Spellings in use, by what a spec says for them."""


@dataclass(frozen=True)
class Numbers:
    """A column as numbers.

    Attributes:
        values: shape (N,), float64, NaN where there is no finite number.
        odd: positions of cells that are not missing and hold no finite number, rising.
        known: how many cells are not missing.
    """

    values: NDArray[np.float64]
    odd: tuple[int, ...]
    known: int


def numbers_of(column: RawColumn, separators: Separators) -> Numbers:
    """Read all cells of a column; those that hold no finite number are counted."""
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
    """Return what a spec has to say for a column to be one of numbers; empty if nothing does it."""
    cells = [cell for cell in column.cells if cell is not None]
    fitting = [said for said, one in OTHERS.items() if _share(cells, one) >= ALIKE]
    if fitting:
        return f"write {' or '.join(_simplest(fitting))} if these are numbers"
    bare = [re.sub(r"^[^\d+.-]+|[^\d.]+$", "", cell) for cell in cells]
    signs = {cell.replace(number, "\0", 1) for cell, number in zip(cells, bare, strict=True)}
    if len(signs) == 1 and max(_share(bare, one) for one in OTHERS.values()) >= ALIKE:
        return "write the numbers without units or signs of a currency"
    return ""


def _share(cells: list[str], separators: Separators) -> float:
    found = sum(separators.pattern.fullmatch(cell) is not None for cell in cells)
    return found / len(cells) if cells else 0.0


def _simplest(fitting: list[str]) -> Iterator[str]:
    """Those that say nothing needless: with a part that is enough, the whole is left out."""
    for said in fitting:
        if not any(other != said and other in said for other in fitting):
            yield said
