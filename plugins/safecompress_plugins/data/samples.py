"""Which samples are used, and which of them are members."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from safecompress_core.toolkit import DataError, by_value, stratified_choice
from safecompress_plugins.data.tables.columns import RawColumn, Table
from safecompress_plugins.data.tables.manifest import SampledParams

__all__ = ["SIDE", "is_member_of", "joined", "sampled_rows", "sides_of"]

SIDE = "part of the data set"
"""The column that tells the parts of a data set apart, where they come from several files."""

MEMBER = ("true", "t", "yes", "y", "1", "member", "members", "train", "training", "in")
NON_MEMBER = (
    *("false", "f", "no", "n", "0", "non-member", "non-members", "nonmember", "nonmembers"),
    *("test", "testing", "val", "valid", "validation", "holdout", "held-out", "out"),
)
SIDES = {**dict.fromkeys(MEMBER, True), **dict.fromkeys(NON_MEMBER, False)}
"""What a column of members may hold, in lower case; a number counts by its value."""


def is_member_of(
    column: RawColumn, field: tuple[str | int, ...], *, rows: NDArray[np.int64] | None = None
) -> Tensor:
    """Return which samples are members, shape (N,), bool.

    Args:
        column: what tells it.
        field: the parameter that names the column.
        rows: where each cell was read, counted from 0; None if they are all there.

    Raises:
        DataError: at the first cell that says neither, with its row.
    """
    said = {cell: _side(cell) for cell in set(column.cells)}
    sides = [said[cell] for cell in column.cells]
    if None in sides:
        position = sides.index(None)
        wrong = column.cells[position]
        row = position if rows is None else int(rows[position])
        what = "a blank cell" if wrong is None else repr(wrong)
        raise DataError(
            f"{what} in row {row + 1} says neither that a sample is a member nor that it is not",
            mend=f"write one of: {', '.join(MEMBER)}; or of: {', '.join(NON_MEMBER)}",
            field=field,
        )
    return torch.tensor(sides, dtype=torch.bool)


def _side(cell: str | None) -> bool | None:
    text = (cell or "").strip().lower().replace("_", "-")
    shared = by_value([text, "0", "1"])
    return SIDES.get(shared[text])


def sides_of(members: int, non_members: int) -> RawColumn:
    """Who is a member, of so many members and then so many others."""
    return RawColumn(["train"] * members + ["test"] * non_members)


def joined(members: Table, non_members: Table) -> Table:
    """The rows of two tables as one, and the column ``SIDE``, so that both are encoded alike.

    Raises:
        DataError: if they have not the same columns.
    """
    odd = sorted(members.keys() ^ non_members.keys())
    if odd:
        raise DataError(
            f"the two files do not have the same columns: only one has {', '.join(map(repr, odd))}",
            mend="write them with the same columns",
            field=("non_members",),
        )
    whole: dict[str, RawColumn] = {}
    for name, column in members.items():
        whole[name] = RawColumn([*column.cells, *non_members[name].cells])
    counts = [_rows(table) for table in (members, non_members)]
    return {**whole, SIDE: sides_of(*counts)}


def _rows(table: Table) -> int:
    return len(next(iter(table.values())).cells) if table else 0


def sampled_rows(
    labels: NDArray[np.int64], is_member: Tensor | None, params: SampledParams
) -> NDArray[np.int64]:
    """The rows to use, rising: all, or as many as ``samples`` says.

    They are drawn in proportion to the labels, of members and non-members alike where that is
    known.

    Raises:
        DataError: if there are fewer.
    """
    wanted = params.samples
    if wanted is None:
        return np.arange(len(labels))
    if wanted > len(labels):
        raise DataError(
            f"{wanted} samples are asked for, and there are {len(labels)}",
            mend=f"write at most {len(labels)}, or leave it out",
            field=("samples",),
        )
    strata = torch.from_numpy(labels)
    if is_member is not None:
        strata = strata * 2 + is_member
    generator = torch.Generator().manual_seed(params.samples_seed)
    order = torch.randperm(len(strata), generator=generator)
    chosen = order[stratified_choice(strata[order], wanted, generator)]
    return chosen.sort().values.numpy()
