"""User code named in a spec, for components that run only with ``--allow-code``."""

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safecompress_core.specfile.component_files import ExternalCode

__all__ = ["import_function"]

_from_folders: dict[str, tuple[Path, frozenset[tuple[str, str]]]] = {}
"""Modules imported from a folder, with the folder and the hashes of its sources."""


def import_function(code: ExternalCode) -> Callable[..., Any]:
    """Import a callable that a component declares, from its current source.

    Args:
        code: module, colon and attribute; and the folder to search first.

    Raises:
        ImportError: if there is no such module, or no such callable in it.
        Exception: any error of the import itself.
    """
    module, colon, attribute = code.name.partition(":")
    if not (module and colon and attribute):
        raise ImportError(f"{code.name!r} is not of the form 'module:function'")
    with _looking_in(code):
        function = getattr(importlib.import_module(module), attribute, None)
    if not callable(function):
        raise ImportError(f"{module!r} has no callable {attribute!r}")
    return function  # type: ignore[no-any-return]


@contextmanager
def _looking_in(code: ExternalCode) -> Iterator[None]:
    """Search a folder first, and none of an earlier call."""
    place = None if code.place is None else code.place.resolve()
    digests = frozenset(code.digests())
    for module, origin in list(_from_folders.items()):
        if origin != (place, digests):  # another folder, or its sources have changed
            sys.modules.pop(module, None)
            del _from_folders[module]
    if place is None:
        yield
        return
    before, writes_no_bytecode = set(sys.modules), sys.dont_write_bytecode
    sys.path.insert(0, str(place))
    sys.dont_write_bytecode = True  # bytecode is dated in seconds, and code may change faster
    importlib.invalidate_caches()
    try:
        # Only new modules of that folder: a library that the code imports must stay shared.
        yield
    finally:
        sys.path.remove(str(place))
        sys.dont_write_bytecode = writes_no_bytecode
        for module in sys.modules.keys() - before:
            if _is_below(sys.modules[module], place):
                _from_folders[module] = (place, digests)


def _is_below(module: Any, folder: Path) -> bool:
    """Return whether a module is a source of the folder itself, not of an environment in it."""
    file = getattr(module, "__file__", None)
    if file is None or folder not in (path := Path(file).resolve()).parents:
        return False
    parts = path.relative_to(folder).parts
    return "site-packages" not in parts and not any(part.startswith(".") for part in parts)
