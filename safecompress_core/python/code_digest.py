"""Digest of a Python function: of its code, its defaults, and the values that it closes over.

Globals that it reads are no part of it, and of objects other than arrays, numbers and texts only
the type is.
"""

import hashlib
from functools import partial
from types import CodeType, FunctionType
from typing import Any

import numpy as np
from torch import Tensor

__all__ = ["digest_of"]

DEEPEST = 8
"""Functions within functions that are followed: one may close over itself."""


def digest_of(function: Any) -> str:
    """Return a SHA-256 of a function, the same in every process of one Python version."""
    digest = hashlib.sha256()
    for part in _parts(function, 0):
        # With its length, so that parts cannot run into each other.
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()


def _parts(value: Any, depth: int) -> list[bytes]:
    if depth > DEEPEST:
        return []
    inner: tuple[Any, ...]
    if isinstance(value, partial):
        inner = (value.func, value.args, sorted(value.keywords.items()))
    elif isinstance(value, FunctionType):
        cells = [cell.cell_contents for cell in value.__closure__ or ()]
        inner = (value.__code__, value.__defaults__ or (), cells)
    elif isinstance(value, CodeType):
        # Constants one by one: the representation of nested code holds its address.
        names = repr((value.co_names, value.co_varnames)).encode()
        return [value.co_code, names, *_parts(value.co_consts, depth + 1)]
    elif isinstance(value, tuple | list):
        inner = tuple(value)
    elif isinstance(value, np.ndarray | Tensor):
        array = value.detach().cpu().numpy() if isinstance(value, Tensor) else value
        return [f"{array.dtype}{array.shape}".encode(), np.ascontiguousarray(array).tobytes()]
    elif isinstance(value, str | int | float | bool | None | bytes):
        return [repr(value).encode()]
    else:
        # An address would differ in each process.
        return [type(value).__qualname__.encode()]
    return [part for item in inner for part in _parts(item, depth + 1)]
