"""Arguments that several calls have: specs, folders, and whether progress is shown."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from safecompress_core.specfile.shipped import find_shipped_spec
from safecompress_core.specfile.yaml.source import WrittenSpec

__all__ = [
    "GivenPath",
    "GivenSpec",
    "find_spec",
    "is_watched",
    "optional_path",
    "require_workers",
]

GivenPath: TypeAlias = str | os.PathLike[str]

GivenSpec: TypeAlias = GivenPath | Mapping[str, Any]
"""The path of a YAML file, the name of a spec that ships, or a dictionary as YAML would give it."""


def find_spec(spec: GivenSpec) -> WrittenSpec:
    """Return the file or the dictionary; a path that leads nowhere may name a spec that ships."""
    if isinstance(spec, Mapping):
        return spec
    path = Path(spec)
    return find_shipped_spec(path) or path


def optional_path(path: GivenPath | None) -> Path | None:
    """Return the path, if there is one."""
    return None if path is None else Path(path)


def require_workers(workers: int) -> None:
    """Check a number of processes.

    Raises:
        ValueError: if it is below 1.
    """
    if workers < 1:
        raise ValueError(f"workers is {workers}, and at least one process does the work")


def is_watched(progress: bool | None) -> bool:  # noqa: FBT001  the argument itself is passed on
    """Return whether progress is shown: if asked for, else on a terminal alone."""
    return sys.stderr.isatty() if progress is None else progress
