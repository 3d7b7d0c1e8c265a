"""Columns of a table as numbers for a model: standardised, one-hot, or cut into intervals."""

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
    "CategoryRule",
    "Coded",
    "Encoded",
    "NumberRule",
    "Rule",
    "as_they_are",
    "coded",
    "intervals_of",
    "one_hot",
    "rule_of",
    "standardised",
]

MISSING = "missing"
"""The category of cells without a value."""
OTHER = "other"
"""The category of values that are too rare to have an input of their own."""


@dataclass(frozen=True)
class Coded:
    """A categorical column: the value of each sample as a position in ``names``.

    Attributes:
        codes: shape (N,), int64.
        names: what each value stands for.
        note: what was done, in words.
        missing: whether the last value stands for cells without one.
        rule: encodes other cells in the same way.
    """

    codes: NDArray[np.int64]
    names: tuple[str, ...]
    note: str
    rule: "CategoryRule | None" = None
    missing: bool = False


@dataclass(frozen=True)
class Encoded:
    """What the model sees of a column.

    Attributes:
        block: shape (N, K), float32.
        codes: what the columns hold for each value, shape (V, K); None for numbers.
        note: what was done, in words.
        rule: encodes other cells in the same way.
    """

    block: Tensor
    codes: Tensor | None
    note: str
    rule: "Rule"


@dataclass(frozen=True)
class NumberRule:
    """Encoding of a column of numbers: (x − mean) / spread, and the median where one is missing."""

    median: float
    mean: float = 0.0
    spread: float = 1.0

    @property
    def record(self) -> dict[str, Any]:
        """JSON-ready; floats come back bit by bit."""
        return {"median": self.median, "mean": self.mean, "spread": self.spread}

    def scaled(self, numbers: NDArray[np.float64]) -> Tensor:
        """Inputs of numbers, NaN where missing, shape (N, 1), float32."""
        complete = np.where(np.isnan(numbers), self.median, numbers)
        return torch.from_numpy((complete - self.mean) / self.spread)[:, None].float()


@dataclass(frozen=True)
class CategoryRule:
    """Encoding of a column of categories, one-hot.

    Attributes:
        names: of the inputs.
        other: position of what is none of the names; None where training had no such value.
        absent: position of missing cells; None likewise.
    """

    names: tuple[str, ...]
    other: int | None = None
    absent: int | None = None

    @property
    def record(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"names": list(self.names), "other": self.other, "absent": self.absent}

    def codes(self, column: RawColumn) -> list[int | None]:
        """Position of each cell; None for a value that training never had."""
        special = {self.other, self.absent}
        own = [name for at, name in enumerate(self.names) if at not in special]
        shared = by_value([*own, *(cell for cell in column.cells if cell is not None)])
        place = {shared[name]: at for at, name in enumerate(own)}
        return [
            self.absent if cell is None else place.get(shared[cell], self.other)
            for cell in column.cells
        ]

    def unknown(self, column: RawColumn) -> int | None:
        """The first row whose value training never had; None if there is none."""
        codes = self.codes(column)
        return codes.index(None) if None in codes else None

    def block(self, column: RawColumn) -> Tensor:
        """Inputs of a column of known values, shape (N, K)."""
        codes = [code for code in self.codes(column) if code is not None]
        return torch.eye(len(self.names))[torch.tensor(codes, dtype=torch.int64)]


Rule = NumberRule | CategoryRule


def rule_of(record: Mapping[str, Any]) -> Rule:
    """The rule that a record was made of."""
    if "median" in record:
        return NumberRule(**record)
    return CategoryRule(tuple(record["names"]), record["other"], record["absent"])


def coded(column: RawColumn, *, most: int | None = None) -> Coded:
    """Categories in alphabetical order, then ``other`` and ``missing`` where there are any.

    Numbers are in their own order, and spellings of one value (``1``, ``1.0``) are one category.

    Args:
        column: its cells.
        most: how many categories keep a name, most frequent first; all others are ``other``.
    """
    shared = by_value(cell for cell in column.cells if cell is not None)
    counts = Counter(shared[cell] for cell in column.cells if cell is not None)
    ranked = sorted(counts, key=lambda name: (-counts[name], name))
    kept = ranked if most is None else ranked[:most]
    names = sorted(kept, key=_in_order(kept))
    place = {name: index for index, name in enumerate(names)}
    note = f"{len(counts)} categories"
    if len(counts) < len(shared):
        note += f", equal by value: {spellings_unified(shared)}"
    other = None
    if len(kept) < len(ranked):
        rare = sum(counts[name] for name in ranked[len(kept) :])
        note += f", of which {len(ranked) - len(kept)} rare ones ({rare} samples) share one"
        other = len(names)
        names.append(_free(OTHER, names))
        place |= dict.fromkeys(ranked[len(kept) :], len(names) - 1)
    if column.missing.any():
        note += f", {int(column.missing.sum())} missing"
        names.append(_free(MISSING, names))
    absent = len(names) - 1
    rule = CategoryRule(tuple(names), other, absent if column.missing.any() else None)
    cells = (absent if cell is None else place[shared[cell]] for cell in column.cells)
    codes = np.fromiter(cells, np.int64, len(column.cells))
    return Coded(codes, tuple(names), note, rule, missing=bool(column.missing.any()))


def _in_order(names: Sequence[str]) -> type[float | str]:
    try:
        for name in names:
            float(name)
    except ValueError:
        return str
    return float


def _free(name: str, taken: Sequence[str]) -> str:
    while name in taken:
        name = f"({name})"
    return name


def one_hot(column: Coded) -> Encoded:
    """An input for each category, 1 where a sample has it."""
    assert column.rule is not None  # intervals of numbers are no input
    codes = torch.eye(len(column.names))
    block = codes[torch.from_numpy(column.codes)]
    return Encoded(block, codes, f"{column.note}, one-hot", column.rule)


def standardised(numbers: NDArray[np.float64]) -> Encoded:
    """Mean 0 and standard deviation 1 over all samples; a missing number is the median.

    Members and non-members alike count, so that neither lies about the origin.
    """
    numbers, median, note = _completed(numbers)
    mean, spread = float(numbers.mean()), float(numbers.std())
    rule = NumberRule(median, mean, spread or 1.0)
    note += f", standardised (mean {mean:g}, standard deviation {spread:g})"
    return Encoded(rule.scaled(numbers), None, note, rule)


def as_they_are(numbers: NDArray[np.float64], *, name: str) -> Encoded:
    """The numbers themselves; a missing one is the median.

    Raises:
        DataError: if float32 cannot tell two whole numbers apart, or hold one.
    """
    numbers, median, note = _completed(numbers)
    float32_of(numbers, name=f"the column {name!r}")
    rule = NumberRule(median)
    return Encoded(rule.scaled(numbers), None, f"{note}, as they are", rule)


def _completed(numbers: NDArray[np.float64]) -> tuple[NDArray[np.float64], float, str]:
    """With the median where one is missing, that median, and what there is to say of them."""
    known = numbers[~np.isnan(numbers)]
    note = f"{known.min():g} to {known.max():g}"
    middle = float(np.median(known))
    if len(known) < len(numbers):
        numbers = np.where(np.isnan(numbers), middle, numbers)
        note += f", {len(numbers) - len(known)} missing set to the median {middle:g}"
    return numbers, middle, note


def intervals_of(numbers: NDArray[np.float64], count: int) -> Coded:
    """Intervals of about as many samples each; a number that many share may make them fewer.

    Args:
        numbers: none of them missing.
        count: how many intervals are wanted.
    """
    inner = np.quantile(numbers, np.linspace(0, 1, count + 1)[1:-1])
    low = float(numbers.min())
    edges = np.unique(inner[inner > low])
    codes = np.searchsorted(edges, numbers, side="right")
    ends = [low, *edges.tolist(), float(numbers.max())]
    names = tuple(
        f"{start:g} to {end:g}" if end == ends[-1] else f"{start:g} to below {end:g}"
        for start, end in pairwise(ends)
    )
    note = f"{low:g} to {ends[-1]:g}, {len(names)} intervals: {', '.join(names)}"
    return Coded(codes.astype(np.int64), names, note)
