"""Columns of a table as numbers for a model: standardised, one-hot, or cut into intervals."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from safecompress_core.toolkit import by_value, spellings_unified
from safecompress_plugins.data.columns import RawColumn

__all__ = [
    "MISSING",
    "Coded",
    "Encoded",
    "as_they_are",
    "coded",
    "intervals_of",
    "one_hot",
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
    """

    codes: NDArray[np.int64]
    names: tuple[str, ...]
    note: str
    missing: bool = False


@dataclass(frozen=True)
class Encoded:
    """What the model sees of a column.

    Attributes:
        block: shape (N, K), float32.
        codes: what the columns hold for each value, shape (V, K); None for numbers.
        note: what was done, in words.
    """

    block: Tensor
    codes: Tensor | None
    note: str


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
    if len(kept) < len(ranked):
        rare = sum(counts[name] for name in ranked[len(kept) :])
        note += f", of which {len(ranked) - len(kept)} rare ones ({rare} samples) share one"
        names.append(_free(OTHER, names))
        place |= dict.fromkeys(ranked[len(kept) :], len(names) - 1)
    if column.missing.any():
        note += f", {int(column.missing.sum())} missing"
        names.append(_free(MISSING, names))
    absent = len(names) - 1
    cells = (absent if cell is None else place[shared[cell]] for cell in column.cells)
    codes = np.fromiter(cells, np.int64, len(column.cells))
    return Coded(codes, tuple(names), note, missing=bool(column.missing.any()))


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
    codes = torch.eye(len(column.names))
    return Encoded(codes[torch.from_numpy(column.codes)], codes, f"{column.note}, one-hot")


def standardised(numbers: NDArray[np.float64]) -> Encoded:
    """Mean 0 and standard deviation 1 over all samples; a missing number is the median.

    Members and non-members alike count, so that neither lies about the origin.
    """
    numbers, note = _completed(numbers)
    mean, spread = float(numbers.mean()), float(numbers.std())
    scaled = (numbers - mean) / (spread or 1.0)
    note += f", standardised (mean {mean:g}, standard deviation {spread:g})"
    return Encoded(torch.from_numpy(scaled)[:, None].float(), None, note)


def as_they_are(numbers: NDArray[np.float64]) -> Encoded:
    """The numbers themselves; a missing one is the median."""
    numbers, note = _completed(numbers)
    return Encoded(torch.from_numpy(numbers)[:, None].float(), None, f"{note}, as they are")


def _completed(numbers: NDArray[np.float64]) -> tuple[NDArray[np.float64], str]:
    """With the median where one is missing, and what there is to say of them."""
    known = numbers[~np.isnan(numbers)]
    note = f"{known.min():g} to {known.max():g}"
    if len(known) < len(numbers):
        middle = float(np.median(known))
        numbers = np.where(np.isnan(numbers), middle, numbers)
        note += f", {len(numbers) - len(known)} missing set to the median {middle:g}"
    return numbers, note


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
