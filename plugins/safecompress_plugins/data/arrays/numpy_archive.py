"""Arrays of an .npz file, read without pickle."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from safecompress_core.toolkit import Attribute, DataError, Dataset
from safecompress_plugins.data.arrays.array_encoder import ArrayEncoder
from safecompress_plugins.data.arrays.floats import float32_of
from safecompress_plugins.data.arrays.manifest import NumpyParams
from safecompress_plugins.data.encoders import EncodingSource
from safecompress_plugins.data.files import require_existing
from safecompress_plugins.data.samples import is_member_of, sample_rows, sides_of
from safecompress_plugins.data.tables.columns import RawColumn, require_columns
from safecompress_plugins.data.tables.encoding import encode_categories
from safecompress_plugins.data.tables.manifest import MISSING_CELLS

__all__ = ["NumpyArchive", "cells_of", "read_arrays"]

BRIGHTEST = 255

Arrays = dict[str, NDArray[Any]]
Field = tuple[str | int, ...]
BLANK = frozenset(MISSING_CELLS)


class NumpyArchive(EncodingSource):
    """Inputs unchanged, or bytes scaled to [0, 1]."""

    def __init__(self, params: NumpyParams) -> None:
        self._params = params

    def load(self) -> Dataset:
        """Read the named arrays; samples without a label are dropped."""
        params = self._params
        named: dict[Field, str] = {
            ("inputs",): params.inputs,
            ("target",): params.target,
            **{("private", index): name for index, name in enumerate(params.private)},
            **({("members",): params.members} if params.members else {}),
            **({("group",): params.group} if params.group else {}),
        }
        numbers, columns, sides = self._read(named)
        # Labels first: a sample without one is of no use, and its row is dropped in all arrays.
        labelled = np.flatnonzero(~columns[params.target].missing)
        count, notes = len(numbers), []
        if len(labelled) < count:
            notes.append(f"{count - len(labelled)} of {count} samples are left out: no label")
            numbers = numbers[labelled]
            columns = {name: column.take(labelled) for name, column in columns.items()}
            sides = sides and sides.take(labelled)
        return self._dataset(numbers, columns, sides, notes)

    def _dataset(
        self,
        numbers: NDArray[Any],
        columns: dict[str, RawColumn],
        sides: RawColumn | None,
        notes: list[str],
    ) -> Dataset:
        params = self._params
        inputs, bounds, note = _inputs(numbers, params.inputs)
        labels = encode_categories(columns[params.target])
        task_notes = [f"{params.target}: the task, {labels.note}", *([note] if note else [])]
        given = None if sides is None else is_member_of(sides, ("members",))
        dataset = Dataset(
            inputs=inputs,
            labels=torch.from_numpy(labels.codes),
            classes=labels.names,
            attributes={
                name: Attribute(torch.from_numpy(array.codes), array.names)
                for name, array in (
                    (name, encode_categories(columns[name])) for name in params.private
                )
            },
            is_member=given,
            groups=torch.from_numpy(encode_categories(columns[params.group]).codes)
            if params.group
            else None,
            bounds=bounds,
            notes=(*notes, *task_notes),
            encoder=ArrayEncoder(
                tuple(inputs.shape[1:]),
                divisor=BRIGHTEST if bounds else 1.0,
                bytes_only=bounds is not None,
            ),
        )
        # Sampling comes last, so that notes and encodings describe the whole file.
        rows = sample_rows(labels.codes, given, params)
        return dataset if len(rows) == len(dataset) else dataset.take(torch.from_numpy(rows))

    def _read(
        self, named: dict[Field, str]
    ) -> tuple[NDArray[Any], dict[str, RawColumn], RawColumn | None]:
        """Return the inputs, the other arrays, and membership, of both files if there are two."""
        params = self._params
        inputs, columns = _parts(self._arrays_of(params.path, named, field="path"), named)
        if params.non_members is None:
            return inputs, columns, columns[params.members] if params.members else None
        if params.members:
            message = f"the array {params.members!r} and the two files both give membership"
            raise DataError(message, hint="remove one of them", field=("members",))
        others, further = _parts(
            self._arrays_of(params.non_members, named, field="non_members"), named
        )
        whole = {
            name: RawColumn([*column.cells, *further[name].cells])
            for name, column in columns.items()
        }
        return _join(params.inputs, inputs, others), whole, sides_of(len(inputs), len(others))

    @staticmethod
    def _arrays_of(path: str, named: dict[Field, str], *, field: str) -> Arrays:
        return read_arrays(require_existing(path, field=(field,)), named, many=("inputs",))


def _parts(arrays: Arrays, named: dict[Field, str]) -> tuple[NDArray[Any], dict[str, RawColumn]]:
    """Separate the inputs, unchanged, from the other arrays, as cells of text."""
    # Labels take the same path as columns of a CSV file, so equal values are encoded alike.
    columns = {
        name: cells_of(arrays[name], name, field)
        for field, name in named.items()
        if field != ("inputs",)
    }
    return arrays[named["inputs",]], columns


def cells_of(array: NDArray[Any], name: str, field: Field) -> RawColumn:
    """Convert values to text, None for missing ones: NaN, NaT, or a spelling of missing.

    Raises:
        DataError: if it holds neither numbers nor text.
    """
    if array.dtype.kind not in "biufSUMm":
        message = f"the array {name!r} holds {array.dtype}"
        raise DataError(message, hint="write numbers or text", field=field)
    if array.dtype.kind == "S":
        try:
            array = np.char.decode(array, "utf-8")
        except UnicodeDecodeError as error:
            raise DataError(
                f"the array {name!r} holds bytes that are not UTF-8 text ({error})",
                hint="write it as text: array.astype(str), or numpy.char.decode with its encoding",
                field=field,
            ) from error
    return RawColumn([None if cell in BLANK else cell for cell in np.char.strip(array.astype(str))])


def _join(name: str, members: NDArray[Any], others: NDArray[Any]) -> NDArray[Any]:
    """Concatenate the rows of two files, which must have the same unit: bytes or fractions."""
    if members.shape[1:] != others.shape[1:] or members.dtype.kind != others.dtype.kind:
        raise DataError(
            f"the array {name!r} is {members.dtype} of rows {members.shape[1:]} in one file, and "
            f"{others.dtype} of rows {others.shape[1:]} in the other",
            hint="write both files with the same type and shape",
            field=("non_members",),
        )
    if np.uint8 in (members.dtype, others.dtype) and members.dtype != others.dtype:
        raise DataError(
            f"the array {name!r} is {members.dtype} in one file and {others.dtype} in the other, "
            "and only bytes are divided by 255",
            hint="write both files with the same type",
            field=("non_members",),
        )
    return np.concatenate([members, others])


def read_arrays(path: Path, named: Mapping[Field, str], *, many: Field) -> Arrays:
    """Read arrays of an archive, without pickle.

    Args:
        path: the archive.
        named: names of arrays, by the field that gives each.
        many: the field whose array has several values for each sample; others have one.

    Raises:
        DataError: if an array is missing, they are of unequal length, or one has another shape.
    """
    if not zipfile.is_zipfile(path):
        raise _unreadable(path, "it is not an .npz archive")
    try:
        # allow_pickle=False: a pickle can run any code.
        with np.load(path, allow_pickle=False) as archive:
            require_columns(archive.files, named.items(), noun="array")
            arrays = {name: archive[name] for name in named.values()}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise _unreadable(path, str(error)) from error
    counts = {name: len(array) if array.ndim else 0 for name, array in arrays.items()}
    if len(set(counts.values())) > 1:
        lengths = ", ".join(f"{name!r} has {count}" for name, count in counts.items())
        message = f"the arrays are of different lengths: {lengths}"
        raise DataError(message, hint="give each array one row per sample", field=("path",))
    for field, name in named.items():
        if field != many and arrays[name].ndim != 1:
            message = f"the array {name!r} has the shape {arrays[name].shape} instead of (N,)"
            raise DataError(message, hint="write one value per sample", field=field)
    return arrays


def _unreadable(path: Path, why: str) -> DataError:
    return DataError(
        f"cannot read {str(path)!r} as arrays ({why})",
        hint="write it with numpy.savez, of numbers and text only",
        field=("path",),
    )


def _inputs(array: NDArray[Any], name: str) -> tuple[Tensor, tuple[Tensor, Tensor] | None, str]:
    """Return float32 inputs, the bounds if they were bytes, and a note on the conversion."""
    if array.dtype.kind not in "biuf" or array.ndim < 2:
        raise DataError(
            f"the inputs are {array.dtype} of shape {array.shape}",
            hint="write numbers of shape (N, ...)",
            field=("inputs",),
        )
    # Only bytes have known bounds; for other types 0 and 1 would be a guess.
    if array.dtype == np.uint8:
        bounds = (torch.zeros(()), torch.ones(()))
        return torch.from_numpy(array).float() / BRIGHTEST, bounds, f"{name}: bytes, divided by 255"
    inputs, done = float32_of(array, name=f"the array {name!r}", field=("inputs",))
    return inputs, None, f"{name}: {done}" if done else ""
