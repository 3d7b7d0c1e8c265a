"""Selection of samples, and membership given by the data."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from safecompress_core.toolkit import DataError, by_value, choose_stratified
from safecompress_plugins.data.tables.columns import RawColumn, Table
from safecompress_plugins.data.tables.manifest import SampledParams

__all__ = ["SIDE", "is_member_of", "join", "sample_rows", "sides_of"]

SIDE = "part of the data set"
"""Column of the split of a data set in several files."""

MEMBER = ("true", "t", "yes", "y", "1", "member", "members", "train", "training", "in")
NON_MEMBER = (
    *("false", "f", "no", "n", "0", "non-member", "non-members", "nonmember", "nonmembers"),
    *("test", "testing", "val", "valid", "validation", "holdout", "held-out", "out"),
)
SIDES = {**dict.fromkeys(MEMBER, True), **dict.fromkeys(NON_MEMBER, False)}
"""Values of a membership column, in lower case; numbers are compared by value."""


def is_member_of(
    column: RawColumn, field: tuple[str | int, ...], *, rows: NDArray[np.int64] | None = None
) -> Tensor:
    """Return membership, shape (N,), bool.

    Args:
        column: membership in words.
        field: the parameter that names the column.
        rows: original row of each cell, counted from 0; None for all rows in order.

    Raises:
        DataError: at the first cell that is neither, with its row.
    """
    # A column has few distinct values: each is parsed once, not once per row.
    said = {cell: _side(cell) for cell in set(column.cells)}
    sides = [said[cell] for cell in column.cells]
    if None in sides:
        position = sides.index(None)
        wrong = column.cells[position]
        row = position if rows is None else int(rows[position])
        what = "a blank cell" if wrong is None else repr(wrong)
        raise DataError(
            f"{what} in row {row + 1} is neither member nor non-member",
            hint=f"use one of {', '.join(MEMBER)}; or one of {', '.join(NON_MEMBER)}",
            field=field,
        )
    return torch.tensor(sides, dtype=torch.bool)


def _side(cell: str | None) -> bool | None:
    text = (cell or "").strip().lower().replace("_", "-")
    # Spellings of one number (1, 1.0, 01) count alike, as everywhere in tables.
    shared = by_value([text, "0", "1"])
    return SIDES.get(shared[text])


def sides_of(members: int, non_members: int) -> RawColumn:
    """Build the membership column of members followed by non-members."""
    return RawColumn(["train"] * members + ["test"] * non_members)


def join(members: Table, non_members: Table) -> Table:
    """Concatenate two tables, with the column ``SIDE``, so that both are encoded alike.

    Raises:
        DataError: if their columns differ.
    """
    # Symmetric difference: it does not matter which file lacks the column.
    odd = sorted(members.keys() ^ non_members.keys())
    if odd:
        raise DataError(
            f"the two files do not have the same columns: only one has {', '.join(map(repr, odd))}",
            hint="write both with the same columns",
            field=("non_members",),
        )
    whole: dict[str, RawColumn] = {}
    for name, column in members.items():
        whole[name] = RawColumn([*column.cells, *non_members[name].cells])
    counts = [_rows(table) for table in (members, non_members)]
    return {**whole, SIDE: sides_of(*counts)}


def _rows(table: Table) -> int:
    return len(next(iter(table.values())).cells) if table else 0


def sample_rows(
    labels: NDArray[np.int64], is_member: Tensor | None, params: SampledParams
) -> NDArray[np.int64]:
    """Return the rows to use, ascending: all, or ``samples`` of them.

    The sample is stratified by label, and by membership where that is known.

    Raises:
        DataError: if there are fewer rows.
    """
    wanted = params.samples
    if wanted is None:
        return np.arange(len(labels))
    if wanted > len(labels):
        raise DataError(
            f"'samples' is {wanted}, but there are only {len(labels)} samples",
            hint=f"write at most {len(labels)}, or remove it",
            field=("samples",),
        )
    strata = torch.from_numpy(labels)
    if is_member is not None:
        strata = strata * 2 + is_member
    # Seeded by the spec's own samples_seed, so that runs with different seeds share their samples.
    generator = torch.Generator().manual_seed(params.samples_seed)
    order = torch.randperm(len(strata), generator=generator)
    chosen = order[choose_stratified(strata[order], wanted, generator)]
    # Ascending, so that a sample keeps the data's order and the result is a subset in place.
    return chosen.sort().values.numpy()
