"""Predictions in CSV, Parquet and NumPy files."""

import zipfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from safecompress_core.toolkit import (
    DataError,
    Dataset,
    DataSource,
    dataset_of_predictions,
    row_number,
)
from safecompress_plugins.data.arrays.numpy_archive import cells_of, read_arrays
from safecompress_plugins.data.files import require_existing
from safecompress_plugins.data.predictions.manifest import PredictionsParams
from safecompress_plugins.data.samples import is_member_of
from safecompress_plugins.data.tables.columns import RawColumn, Table, require_columns
from safecompress_plugins.data.tables.csv_file import read_csv
from safecompress_plugins.data.tables.encoding import encode_categories
from safecompress_plugins.data.tables.manifest import MISSING_CELLS
from safecompress_plugins.data.tables.numbers import Separators

__all__ = ["PredictionFile"]

# N records · C labels

AnswerKind = Literal["probabilities", "logits"]

PREFIXES: dict[str, AnswerKind] = {
    "probability_": "probabilities",
    "prob_": "probabilities",
    "p_": "probabilities",
    "logit_": "logits",
}
"""Prefixes of columns of outputs, and what they hold."""
ARRAYS: tuple[AnswerKind, ...] = ("probabilities", "logits")
"""Arrays of outputs, which are called what they hold."""


@dataclass(frozen=True, kw_only=True)
class _Outputs:
    """Answers of a model.

    Attributes:
        answers: shape (N, C), float64.
        names: of the labels; empty where the file has none.
        kind: what the names of columns or arrays say of them; None for nothing.
    """

    answers: NDArray[np.float64]
    names: tuple[str, ...]
    kind: AnswerKind | None


class PredictionFile(DataSource):
    """A file of predictions; a record's input is the model's answer."""

    def __init__(self, params: PredictionsParams) -> None:
        self._params = params

    def load(self) -> Dataset:
        """Read the answers, the true labels and the membership.

        Raises:
            DataError: with the row that is at fault.
        """
        params = self._params
        path = require_existing(params.path, field=("path",))
        table, outputs = self._archive(path) if path.suffix == ".npz" else self._table(path)
        columns = {name: table[name] for name in self._roles.values()}
        names = params.labels or outputs.names or [*map(str, range(outputs.answers.shape[1]))]
        if len(names) != outputs.answers.shape[1]:
            raise DataError(
                f"{len(names)} labels are named, and there are {outputs.answers.shape[1]} outputs",
                hint="name the label of each output, in their order",
                field=("labels",),
            )
        groups = None if params.group is None else encode_categories(columns[params.group]).codes
        return dataset_of_predictions(
            outputs.answers,
            _labels(columns[params.label]),
            names,
            is_member=is_member_of(columns[params.members], ("members",)),
            kind=outputs.kind if params.answers == "auto" else params.answers,
            groups=None if groups is None else torch.from_numpy(groups),
        )

    @property
    def _roles(self) -> dict[tuple[str | int, ...], str]:
        """Columns that are no outputs, by the field that names each."""
        params = self._params
        roles: dict[tuple[str | int, ...], str] = {
            ("label",): params.label,
            ("members",): params.members,
        }
        return roles if params.group is None else {**roles, ("group",): params.group}

    def _table(self, path: Path) -> tuple[Table, _Outputs]:
        table = _read_table(path)
        require_columns(table, self._roles.items())
        wanted = {("outputs", index): name for index, name in enumerate(self._params.outputs)}
        require_columns(table, wanted.items())
        columns = self._params.outputs or _find_outputs(table, self._roles.values())
        prefix = _prefix_of(columns)
        answers = [_numbers(table[name], name) for name in columns]
        return table, _Outputs(
            answers=np.stack(answers, axis=1),
            names=tuple(name.removeprefix(prefix) for name in columns),
            kind=PREFIXES.get(prefix),
        )

    def _archive(self, path: Path) -> tuple[Table, _Outputs]:
        wanted = self._params.outputs
        if len(wanted) > 1:
            message = f"{len(wanted)} arrays are named, and one holds the answers"
            raise DataError(message, hint="name one of shape (N, C)", field=("outputs",))
        name = wanted[0] if wanted else _find_array(path)
        arrays = read_arrays(path, {**self._roles, ("outputs",): name}, many=("outputs",))
        answers = arrays[name]
        if answers.ndim != 2 or answers.dtype.kind not in "biuf":
            raise DataError(
                f"the array {name!r} is {answers.dtype} of shape {answers.shape}",
                hint="write numbers of shape (N, C): a row a record, a column a label",
                field=("outputs",),
            )
        table = {role: cells_of(arrays[role], role, field) for field, role in self._roles.items()}
        kind = next((kind for kind in ARRAYS if kind == name), None)
        return table, _Outputs(answers=answers.astype(np.float64), names=(), kind=kind)


def _read_table(path: Path) -> Table:
    if path.suffix == ".parquet":
        # Imported here: pyarrow is an extra, and CSV needs none.
        from safecompress_plugins.data.tables.parquet_file import (  # noqa: PLC0415
            arrow_table,
            plain_table,
        )

        return plain_table(arrow_table([path]), MISSING_CELLS)
    if path.suffix not in (".csv", ".tsv"):
        raise DataError(
            f"{str(path)!r} ends in {path.suffix or 'no suffix'!r}",
            hint="give a .csv, .tsv, .parquet or .npz file",
            field=("path",),
        )
    delimiter = "\t" if path.suffix == ".tsv" else ","
    return read_csv(path, delimiter=delimiter, missing=MISSING_CELLS)


def _find_outputs(names: Collection[str], taken: Collection[str]) -> list[str]:
    """Return the columns of outputs by their prefix.

    Raises:
        DataError: if there are none, or columns of two kinds.
    """
    free = [name for name in names if name not in taken]
    by_prefix = {prefix: [name for name in free if name.startswith(prefix)] for prefix in PREFIXES}
    several = [names for names in by_prefix.values() if len(names) > 1]
    if len(several) != 1:
        kinds = ", ".join(f"{prefix}<label>" for prefix in PREFIXES)
        amount = "several kinds" if several else "none"
        raise DataError(
            f"the columns of the model's answers are not known: of {kinds} there are {amount}",
            hint=f"name them in the order of the labels as 'outputs', of: {', '.join(free)}",
            field=("outputs",),
        )
    return several[0]


def _prefix_of(columns: list[str]) -> str:
    """Return the prefix that all columns have; empty for none."""
    shared = (p for p in PREFIXES if all(name.startswith(p) for name in columns))
    return next(shared, "")


def _find_array(path: Path) -> str:
    """Return the name of the array of outputs, as it would be by default."""
    if not zipfile.is_zipfile(path):
        return ARRAYS[0]  # the reader of the arrays says what is wrong with the file
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    return next((name for name in ARRAYS if f"{name}.npy" in names), ARRAYS[0])


def _numbers(column: RawColumn, name: str) -> NDArray[np.float64]:
    """Return a column of numbers; NaN for what is missing or no number."""
    separators = Separators()
    read = {cell: separators.number(cell) for cell in set(column.cells) if cell is not None}
    for row, cell in enumerate(column.cells):
        if cell is not None and read[cell] is None:
            raise DataError(
                f"{row_number(row)} of {name!r} holds {cell!r}, which is no number",
                hint="write a probability or a logit",
                field=("outputs",),
            )
    values = [np.nan if cell is None else read[cell] for cell in column.cells]
    return np.array(values, dtype=np.float64)


def _labels(column: RawColumn) -> list[str]:
    """Return the labels as text.

    Raises:
        DataError: with the first record that has none.
    """
    if column.missing.any():
        row = int(np.flatnonzero(column.missing)[0])
        raise DataError(
            f"{row_number(row)} has no label",
            hint="write its true label, or leave the record out",
            field=("label",),
        )
    return [cell for cell in column.cells if cell is not None]
