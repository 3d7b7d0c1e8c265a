"""Encodings of table columns: standardised numbers, one-hot categories, intervals."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from safecompress_core.toolkit import by_value, spellings_unified
from safecompress_plugins.data.arrays.floats import float32_of
from safecompress_plugins.data.tables.columns import RawColumn

__all__ = [
    "MISSING",
    "CategoryCodes",
    "CategoryRule",
    "EncodedColumn",
    "NumberRule",
    "Rule",
    "encode_categories",
    "intervals_of",
    "one_hot",
    "rule_of",
    "standardise",
    "without_scaling",
]

MISSING = "missing"
"""Category of missing cells."""
OTHER = "other"
"""Category of values too rare for an input of their own."""


@dataclass(frozen=True)
class CategoryCodes:
    """A categorical column: each sample's value as an index into ``names``.

    Attributes:
        codes: shape (N,), int64.
        names: of the values.
        note: description of the encoding.
        missing: whether the last value stands for missing cells.
        rule: encodes further cells in the same way; None for intervals.
    """

    codes: NDArray[np.int64]
    names: tuple[str, ...]
    note: str
    rule: "CategoryRule | None" = None
    missing: bool = False


@dataclass(frozen=True)
class EncodedColumn:
    """Model inputs of a column.

    Attributes:
        block: shape (N, K), float32.
        codes: inputs of each value, shape (V, K); None for numbers.
        note: description of the encoding.
        rule: encodes further cells in the same way.
    """

    block: Tensor
    codes: Tensor | None
    note: str
    rule: "Rule"


@dataclass(frozen=True)
class NumberRule:
    """Encoding of numbers: (x − mean) / spread, with the median for missing ones."""

    median: float
    mean: float = 0.0
    spread: float = 1.0

    @property
    def record(self) -> dict[str, Any]:
        """JSON-ready fields of the rule; floats are restored exactly."""
        return {"median": self.median, "mean": self.mean, "spread": self.spread}

    def scale(self, numbers: NDArray[np.float64]) -> Tensor:
        """Encode numbers, NaN where missing, shape (N, 1), float32."""
        complete = np.where(np.isnan(numbers), self.median, numbers)
        # Computed in float64 and rounded once, so that a stored rule reproduces the inputs exactly.
        return torch.from_numpy((complete - self.mean) / self.spread)[:, None].float()


@dataclass(frozen=True)
class CategoryRule:
    """One-hot encoding of categories.

    Attributes:
        names: of the inputs.
        other: index of values outside the names; None if training had no such value.
        absent: index of missing cells; None likewise.
    """

    names: tuple[str, ...]
    other: int | None = None
    absent: int | None = None

    @property
    def record(self) -> dict[str, Any]:
        """JSON-ready fields of the rule."""
        return {"names": list(self.names), "other": self.other, "absent": self.absent}

    def codes(self, column: RawColumn) -> list[int | None]:
        """Return the index of each cell; None for a value unknown from training."""
        # A cell with the text "other" is that text, not the group of rare values.
        special = {self.other, self.absent}
        categories = [name for at, name in enumerate(self.names) if at not in special]
        shared = by_value([*categories, *(cell for cell in column.cells if cell is not None)])
        place = {shared[name]: at for at, name in enumerate(categories)}
        return [
            self.absent if cell is None else place.get(shared[cell], self.other)
            for cell in column.cells
        ]

    def unknown(self, column: RawColumn) -> int | None:
        """Find the first row with a value unknown from training; None if there is none."""
        codes = self.codes(column)
        return codes.index(None) if None in codes else None

    def block(self, column: RawColumn) -> Tensor:
        """Encode a column of known values, shape (N, K)."""
        codes = [code for code in self.codes(column) if code is not None]
        return torch.eye(len(self.names))[torch.tensor(codes, dtype=torch.int64)]


Rule = NumberRule | CategoryRule


def rule_of(record: Mapping[str, Any]) -> Rule:
    """Rebuild a rule from its record."""
    if "median" in record:
        return NumberRule(**record)
    return CategoryRule(tuple(record["names"]), record["other"], record["absent"])


def encode_categories(column: RawColumn, *, most: int | None = None) -> CategoryCodes:
    """Encode categories in alphabetical order, then ``other`` and ``missing`` if needed.

    Numbers are sorted by value, and spellings of one value (``1``, ``1.0``) are one category.

    Args:
        column: its cells.
        most: number of categories with a name, most frequent first; the rest share ``other``.
    """
    shared = by_value(cell for cell in column.cells if cell is not None)
    counts = Counter(shared[cell] for cell in column.cells if cell is not None)
    # Ties by name: the choice of named categories must not depend on the order of rows.
    ranked = sorted(counts, key=lambda name: (-counts[name], name))
    frequent = ranked if most is None else ranked[:most]
    names = sorted(frequent, key=_in_order(frequent))
    place = {name: index for index, name in enumerate(names)}
    note = f"{len(counts)} categories"
    if len(counts) < len(shared):
        note += f", equal by value: {spellings_unified(shared)}"
    other = None
    if len(frequent) < len(ranked):
        rare = sum(counts[name] for name in ranked[len(frequent) :])
        note += f", of which {len(ranked) - len(frequent)} rare ones ({rare} samples) share one"
        other = len(names)
        names.append(_free(OTHER, names))
        place |= dict.fromkeys(ranked[len(frequent) :], len(names) - 1)
    if column.missing.any():
        note += f", {int(column.missing.sum())} missing"
        names.append(_free(MISSING, names))
    absent = len(names) - 1
    rule = CategoryRule(tuple(names), other, absent if column.missing.any() else None)
    cells = (absent if cell is None else place[shared[cell]] for cell in column.cells)
    codes = np.fromiter(cells, np.int64, len(column.cells))
    return CategoryCodes(codes, tuple(names), note, rule, missing=bool(column.missing.any()))


def _in_order(names: Sequence[str]) -> type[float | str]:
    # Numeric order only if every name is a number: a mixture has no order but the alphabet's.
    try:
        for name in names:
            float(name)
    except ValueError:
        return str
    return float


def _free(name: str, taken: Sequence[str]) -> str:
    while name in taken:
        name = f"({name})"  # "(other)", "((other))", …: a real value may have that name
    return name


def one_hot(column: CategoryCodes) -> EncodedColumn:
    """Encode each category as one input, 1 where a sample has it."""
    assert column.rule is not None  # intervals of numbers are no input
    codes = torch.eye(len(column.names))
    block = codes[torch.from_numpy(column.codes)]
    return EncodedColumn(block, codes, f"{column.note}, one-hot", column.rule)


def standardise(numbers: NDArray[np.float64]) -> EncodedColumn:
    """Standardise over all samples; a missing number becomes the median.

    Members and non-members count alike, so that neither is nearer to the origin.
    """
    numbers, median, note = _fill_missing(numbers)
    mean, spread = float(numbers.mean()), float(numbers.std())
    # A constant column has a spread of 0; dividing by 1 leaves it at 0.
    rule = NumberRule(median, mean, spread or 1.0)
    note += f", standardised (mean {mean:g}, standard deviation {spread:g})"
    return EncodedColumn(rule.scale(numbers), None, note, rule)


def without_scaling(numbers: NDArray[np.float64], *, name: str) -> EncodedColumn:
    """Leave numbers unscaled; a missing one becomes the median.

    Raises:
        DataError: if float32 cannot represent two whole numbers as distinct, or one at all.
    """
    numbers, median, note = _fill_missing(numbers)
    # Called for its check alone; the encoding below is the rule's, as for later rows.
    float32_of(numbers, name=f"the column {name!r}")
    rule = NumberRule(median)
    return EncodedColumn(rule.scale(numbers), None, f"{note}, as they are", rule)


def _fill_missing(numbers: NDArray[np.float64]) -> tuple[NDArray[np.float64], float, str]:
    """Replace missing numbers by the median; return them, the median, and a note."""
    known = numbers[~np.isnan(numbers)]
    note = f"{known.min():g} to {known.max():g}"
    middle = float(np.median(known))
    if len(known) < len(numbers):
        numbers = np.where(np.isnan(numbers), middle, numbers)
        note += f", {len(numbers) - len(known)} missing set to the median {middle:g}"
    return numbers, middle, note


def intervals_of(numbers: NDArray[np.float64], count: int) -> CategoryCodes:
    """Cut numbers into intervals of about equal counts; ties may make them fewer.

    Args:
        numbers: without missing values.
        count: number of intervals.
    """
    inner = np.quantile(numbers, np.linspace(0, 1, count + 1)[1:-1])
    low = float(numbers.min())
    # Edges at the minimum, or repeated, would bound an empty interval.
    edges = np.unique(inner[inner > low])
    codes = np.searchsorted(edges, numbers, side="right")
    ends = [low, *edges.tolist(), float(numbers.max())]
    names = tuple(
        f"{start:g} to {end:g}" if end == ends[-1] else f"{start:g} to below {end:g}"
        for start, end in pairwise(ends)
    )
    note = f"{low:g} to {ends[-1]:g}, {len(names)} intervals: {', '.join(names)}"
    return CategoryCodes(codes.astype(np.int64), names, note)
