"""Conversion to float32, with a check that distinct whole numbers stay distinct."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from safecompress_core.toolkit import DataError

__all__ = ["float32_of"]

EXACT = 1 << 24
"""Largest number up to which float32 represents every whole number."""


def float32_of(
    numbers: NDArray[Any], *, name: str, field: tuple[str | int, ...] = ()
) -> tuple[Tensor, str]:
    """Convert numbers to float32.

    Args:
        numbers: of any shape; booleans, whole numbers or floats.
        name: what an error calls the numbers.
        field: the spec's field that names them.

    Returns:
        The same numbers, and a note on the conversion; empty where all are exact.

    Raises:
        DataError: if a finite number is too large for float32, or two distinct whole numbers, such
            as identifiers or times, would become equal.
    """
    # Overflow to infinity is an error of its own below, not a warning of numpy.
    with np.errstate(over="ignore"):
        floats = numbers.astype(np.float32)
    if numbers.dtype.kind == "b" or np.can_cast(numbers.dtype, np.float32, casting="safe"):
        return torch.from_numpy(floats), ""
    # NaN and infinities survive the conversion; only finite numbers can be damaged.
    finite = numbers[np.isfinite(numbers)]
    with np.errstate(over="ignore"):
        beyond = finite[~np.isfinite(finite.astype(np.float32))]
    if len(beyond):
        raise DataError(
            f"{name} holds {beyond[0]}, which is too large for float32",
            hint="scale the numbers",
            field=field,
        )
    _require_distinct(finite[(finite >= EXACT) | (finite <= -EXACT)], name=name, field=field)
    is_exact = np.array_equal(floats.astype(np.float64), numbers.astype(np.float64), equal_nan=True)
    return torch.from_numpy(floats), "" if is_exact else f"{numbers.dtype} rounded to float32"


def _require_distinct(large: NDArray[Any], *, name: str, field: tuple[str | int, ...]) -> None:
    """Require that distinct whole numbers beyond ``EXACT`` stay distinct in float32."""
    # Fractions lose digits as every float32 does; only whole numbers may be identifiers.
    whole = np.unique(large[large == np.rint(large)] if large.dtype.kind == "f" else large)
    same = np.flatnonzero(np.diff(whole.astype(np.float32)) == 0)
    if len(same):
        first, other = whole[same[0]], whole[same[0] + 1]
        raise DataError(
            f"{name} holds {first} and {other}, which are equal as float32",
            hint="leave out identifiers; subtract the smallest value from times, or scale them",
            field=field,
        )
