"""Digest of Python code: of a function with defaults and values that it closes over, or a class.

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


def digest_of(code: Any) -> str:
    """Return a SHA-256 of a function or a class, the same in each process of one Python version.

    Of a class its methods count, and not those that it inherits.
    """
    digest = hashlib.sha256()
    for part in _parts(code, 0):
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
    elif isinstance(value, type):
        inner = tuple(sorted(_methods(value).items()))
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


def _methods(value: type) -> dict[str, Any]:
    """Return the functions that a class defines, also behind properties, by name."""
    plain = {
        name: getattr(method, "fget", None) or getattr(method, "__func__", method)
        for name, method in vars(value).items()
    }
    return {name: method for name, method in plain.items() if isinstance(method, FunctionType)}
