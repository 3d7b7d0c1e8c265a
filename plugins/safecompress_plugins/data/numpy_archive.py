"""Arrays of a .npz file, read without pickle."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from safecompress_core.toolkit import Attribute, DataError, Dataset, DataSource
from safecompress_plugins.data.array_manifest import NumpyParams
from safecompress_plugins.data.columns import RawColumn, require_columns
from safecompress_plugins.data.encoding import Coded, coded
from safecompress_plugins.data.files import existing
from safecompress_plugins.data.samples import is_member_of, sampled_rows, sides_of

__all__ = ["NumpyArchive"]

BRIGHTEST = 255

Arrays = dict[str, NDArray[Any]]


class NumpyArchive(DataSource):
    """Inputs as they are, or bytes in [0, 1]."""

    def __init__(self, params: NumpyParams) -> None:
        self._params = params

    def load(self) -> Dataset:
        """Read the arrays that are named."""
        params = self._params
        named: dict[tuple[str | int, ...], str] = {
            ("inputs",): params.inputs,
            ("target",): params.target,
            **{("private", index): name for index, name in enumerate(params.private)},
            **({("members",): params.members} if params.members else {}),
            **({("group",): params.group} if params.group else {}),
        }
        arrays, sides = self._read(named)
        inputs, bounds = _inputs(arrays[params.inputs])
        labels = _coded(arrays[params.target])
        given = None if sides is None else is_member_of(sides, ("members",))
        dataset = Dataset(
            inputs=inputs,
            labels=torch.from_numpy(labels.codes),
            classes=labels.names,
            attributes={
                name: Attribute(torch.from_numpy(one.codes), one.names)
                for name, one in ((name, _coded(arrays[name])) for name in params.private)
            },
            is_member=given,
            groups=torch.from_numpy(_coded(arrays[params.group]).codes) if params.group else None,
            bounds=bounds,
        )
        rows = sampled_rows(labels.codes, given, params)
        return dataset if len(rows) == len(dataset) else dataset.take(torch.from_numpy(rows))

    def _read(self, named: dict[tuple[str | int, ...], str]) -> tuple[Arrays, RawColumn | None]:
        """The arrays, of both files if there are two, and who is a member, where that is told."""
        params = self._params
        arrays = _arrays(existing(params.path, field=("path",)), named)
        if params.non_members is None:
            told = arrays[params.members].astype(str).tolist() if params.members else None
            return arrays, None if told is None else RawColumn(told)
        if params.members:
            message = f"the array {params.members!r} tells who is a member, and so do the two files"
            raise DataError(message, mend="leave one of them out", field=("members",))
        others = _arrays(existing(params.non_members, field=("non_members",)), named)
        counts = [len(one[params.target]) for one in (arrays, others)]
        whole = {name: _joined(name, one, others[name]) for name, one in arrays.items()}
        return whole, sides_of(*counts)


def _joined(name: str, members: NDArray[Any], others: NDArray[Any]) -> NDArray[Any]:
    """The rows of both, which must be of one kind: bytes and fractions are not the same numbers."""
    if members.shape[1:] != others.shape[1:] or members.dtype.kind != others.dtype.kind:
        raise DataError(
            f"the array {name!r} is {members.dtype} of rows {members.shape[1:]} in one file, and "
            f"{others.dtype} of rows {others.shape[1:]} in the other",
            mend="write both files alike",
            field=("non_members",),
        )
    return np.concatenate([members, others])


def _arrays(path: Path, named: dict[tuple[str | int, ...], str]) -> Arrays:
    if not zipfile.is_zipfile(path):
        raise _unreadable(path, "it is no .npz archive")
    try:
        with np.load(path, allow_pickle=False) as archive:
            require_columns(archive.files, named.items(), noun="array")
            arrays = {name: archive[name] for name in named.values()}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise _unreadable(path, str(error)) from error
    counts = {name: len(array) if array.ndim else 0 for name, array in arrays.items()}
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{name!r} has {count}" for name, count in counts.items())
        message = f"the arrays are of different lengths: {told}"
        raise DataError(message, mend="give each of them a row a sample", field=("path",))
    for field, name in named.items():
        if field != ("inputs",) and arrays[name].ndim != 1:
            message = f"the array {name!r} has the shape {arrays[name].shape}, and not (N,)"
            raise DataError(message, mend="write a value a sample", field=field)
    return arrays


def _unreadable(path: Path, why: str) -> DataError:
    return DataError(
        f"cannot read {str(path)!r} as arrays ({why})",
        mend="write it with numpy.savez, of numbers and text only",
        field=("path",),
    )


def _inputs(array: NDArray[Any]) -> tuple[Tensor, tuple[Tensor, Tensor] | None]:
    """As float32, and the bounds of what were bytes."""
    if array.dtype.kind not in "biuf" or array.ndim < 2:
        raise DataError(
            f"the inputs are {array.dtype} of shape {array.shape}",
            mend="write numbers of shape (N, ...)",
            field=("inputs",),
        )
    if array.dtype == np.uint8:
        bounds = (torch.zeros(()), torch.ones(()))
        return torch.from_numpy(array).float() / BRIGHTEST, bounds
    return torch.from_numpy(array.astype(np.float32)), None


def _coded(array: NDArray[Any]) -> Coded:
    return coded(RawColumn(array.astype(str).tolist()))
