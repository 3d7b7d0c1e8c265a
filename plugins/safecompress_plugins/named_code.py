"""Code that a spec names, for components that run only with ``--allow-code``."""

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from safecompress_core.toolkit import ExternalCode

__all__ = ["imported"]

_from_folders: dict[str, tuple[Path, frozenset[tuple[str, str]]]] = {}
"""Modules that were imported from a folder, with that folder and the hashes of its sources."""


def imported(code: "ExternalCode") -> Callable[..., Any]:
    """Import what a component has declared to run, as its source is now.

    Args:
        code: a module, a colon, and something in it; and where to look for the module first.

    Raises:
        ImportError: if there is no such module, or it has no such thing that can be called.
        Exception: whatever importing it raises.
    """
    module, colon, attribute = code.name.partition(":")
    if not (module and colon and attribute):
        raise ImportError(f"{code.name!r} is not of the form 'module:function'")
    with _looking_in(code):
        found = getattr(importlib.import_module(module), attribute, None)
    if not callable(found):
        raise ImportError(f"{module!r} has nothing called {attribute!r} that can be called")
    return found  # type: ignore[no-any-return]


@contextmanager
def _looking_in(code: "ExternalCode") -> Iterator[None]:
    """Imports come from a folder first, and from none that was given before."""
    place = None if code.place is None else code.place.resolve()
    digests = frozenset(code.digests())
    for module, origin in list(_from_folders.items()):
        if origin != (place, digests):  # another folder, or its sources were changed
            sys.modules.pop(module, None)
            del _from_folders[module]
    if place is None:
        yield
        return
    before, writes_no_bytecode = set(sys.modules), sys.dont_write_bytecode
    sys.path.insert(0, str(place))
    sys.dont_write_bytecode = True  # bytecode is told apart by seconds, and code may change faster
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path.remove(str(place))
        sys.dont_write_bytecode = writes_no_bytecode
        for module in sys.modules.keys() - before:
            if _is_below(sys.modules[module], place):
                _from_folders[module] = (place, digests)


def _is_below(module: Any, folder: Path) -> bool:
    """Whether a module is a source of the folder's own, and of no environment in it."""
    file = getattr(module, "__file__", None)
    if file is None or folder not in (path := Path(file).resolve()).parents:
        return False
    parts = path.relative_to(folder).parts
    return "site-packages" not in parts and not any(part.startswith(".") for part in parts)
