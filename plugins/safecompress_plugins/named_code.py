"""Code that a spec names, for components that run only with ``--allow-code``."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

__all__ = ["imported"]


def imported(name: str, *, folder: Path | None = None) -> Callable[..., Any]:
    """What ``module:name`` names.

    Args:
        name: a module, a colon, and something in it.
        folder: where to look for the module first.

    Raises:
        ImportError: if there is no such module, or it has no such thing that can be called.
        Exception: whatever importing it raises.
    """
    module, colon, attribute = name.partition(":")
    if not (module and colon and attribute):
        raise ImportError(f"{name!r} is not of the form 'module:function'")
    with _looking_in(folder):
        found = getattr(import_module(module), attribute, None)
    if not callable(found):
        raise ImportError(f"{module!r} has nothing called {attribute!r} that can be called")
    return found  # type: ignore[no-any-return]


@contextmanager
def _looking_in(folder: Path | None) -> Iterator[None]:
    if folder is None:
        yield
        return
    sys.path.insert(0, str(folder.resolve()))
    try:
        yield
    finally:
        sys.path.remove(str(folder.resolve()))
