"""float32 inputs out of numbers of other types, with a check that no two of them become one."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from safecompress_core.toolkit import DataError

__all__ = ["float32_of"]

EXACT = 1 << 24
"""Up to here float32 holds every whole number."""


def float32_of(
    numbers: NDArray[Any], *, name: str, field: tuple[str | int, ...] = ()
) -> tuple[Tensor, str]:
    """Convert numbers to float32.

    Args:
        numbers: of any shape; booleans, whole numbers or floats.
        name: what an error calls them.
        field: where the spec names them.

    Returns:
        The same numbers, and what was done in words; empty where each of them is kept exactly.

    Raises:
        DataError: if a finite number is too large for float32, or two different whole numbers, such
            as identifiers or times, would become one.
    """
    with np.errstate(over="ignore"):
        floats = numbers.astype(np.float32)
    if numbers.dtype.kind == "b" or np.can_cast(numbers.dtype, np.float32, casting="safe"):
        return torch.from_numpy(floats), ""
    finite = numbers[np.isfinite(numbers)]
    with np.errstate(over="ignore"):
        beyond = finite[~np.isfinite(finite.astype(np.float32))]
    if len(beyond):
        raise DataError(
            f"{name} holds {beyond[0]}, which is too large for float32",
            mend="scale the numbers",
            field=field,
        )
    _require_distinct(finite[(finite >= EXACT) | (finite <= -EXACT)], name=name, field=field)
    kept = np.array_equal(floats.astype(np.float64), numbers.astype(np.float64), equal_nan=True)
    return torch.from_numpy(floats), "" if kept else f"{numbers.dtype} rounded to float32"


def _require_distinct(large: NDArray[Any], *, name: str, field: tuple[str | int, ...]) -> None:
    """Whole numbers beyond ``EXACT`` that differ have to differ in float32 as well."""
    whole = np.unique(large[large == np.rint(large)] if large.dtype.kind == "f" else large)
    same = np.flatnonzero(np.diff(whole.astype(np.float32)) == 0)
    if len(same):
        one, other = whole[same[0]], whole[same[0] + 1]
        raise DataError(
            f"{name} holds {one} and {other}, which float32 cannot tell apart",
            mend="leave out what is an identifier; subtract the smallest from what is a time, or "
            "scale it",
            field=field,
        )
