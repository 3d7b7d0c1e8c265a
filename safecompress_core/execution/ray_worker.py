"""Work of a Ray worker: a unit in a temporary folder, with files that come and go by their content.

Ray sends these functions by their names, so a worker needs the package, and nothing of its sources.
"""

import os
import platform
from collections.abc import Sequence
from contextlib import chdir, nullcontext
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

import ray

from safecompress_core.execution.transfer import Changes, find_changes, sha256_of, unpack
from safecompress_core.execution.units import Unit, do_unit
from safecompress_core.host import load_plugins
from safecompress_core.version import installed_version

__all__ = ["do_on_worker", "list_packages"]

SentFile = tuple[str, Any]
"""A path in the unit's folder, and the reference of its content in Ray's object store."""


def list_packages() -> dict[str, str]:
    """Return the version of Python, of safecompress, and of each distribution with plugins."""
    plugins = {origin.distribution: origin.version for origin in load_plugins().plugins}
    return {**plugins, "python": platform.python_version(), "safecompress": installed_version()}


def do_on_worker(
    unit: Unit, files: Sequence[SentFile], plugins: Sequence[SentFile], directory: str
) -> Changes:
    """Do a unit, and return the files that it has written.

    Args:
        unit: its folder is that of the driver.
        files: what it reads there.
        plugins: single-file plugins.
        directory: the driver's working directory, from which a spec's paths start, if it is here.
    """
    with TemporaryDirectory(prefix="safecompress-") as place:
        sent = unpack(_contents(files), Path(place))
        moved = replace(
            unit,
            folder=Path(place),
            plugins_dir=_plugins_dir(plugins),
            plugins_name=None if unit.plugins_dir is None else str(unit.plugins_dir),
        )
        with chdir(directory) if os.path.isdir(directory) else nullcontext():  # noqa: PTH112
            do_unit(moved)
        return find_changes(Path(place), sent)


def _contents(files: Sequence[SentFile]) -> list[tuple[str, bytes]]:
    contents = ray.get([reference for _, reference in files])
    return [(name, content) for (name, _), content in zip(files, contents, strict=True)]


def _plugins_dir(plugins: Sequence[SentFile]) -> Path | None:
    """Return a folder with these plugins: the same for the same ones, so they are loaded once."""
    if not plugins:
        return None
    contents = _contents(plugins)
    name = sha256_of(b"".join(name.encode() + content for name, content in contents))[:16]
    folder = Path(gettempdir()) / f"safecompress-plugins-{os.getpid()}-{name}"
    unpack(contents, folder)
    return folder
