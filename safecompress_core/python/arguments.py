"""Arguments that several calls have: specs, folders, and whether progress is shown."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from safecompress_core.cli.display.notebook import is_notebook
from safecompress_core.errors import ExecutionError
from safecompress_core.execution.settings import Execution, ExecutorName
from safecompress_core.specfile.shipped import find_shipped_spec
from safecompress_core.specfile.yaml.source import WrittenSpec

__all__ = [
    "GivenPath",
    "GivenSpec",
    "execution_of",
    "find_spec",
    "is_watched",
    "optional_path",
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


def execution_of(
    executor: ExecutorName | None,
    *,
    workers: int,
    address: str | None,
    devices: Sequence[int],
    resources: Mapping[str, float] | None,
) -> Execution:
    """Return the settings of execution.

    Raises:
        ExecutionError: if they do not fit each other, or a resource is not ``gpu``.
    """
    resources = resources or {}
    if others := sorted(set(resources) - {"gpu"}):
        raise ExecutionError(f"resources: {others[0]!r} is unknown; write {{'gpu': 0.25}}")
    return Execution(
        executor=executor,
        workers=workers,
        address=address,
        devices=tuple(devices),
        gpu_share=resources.get("gpu"),
    )


def is_watched(progress: bool | None) -> bool:  # noqa: FBT001  the argument itself is passed on
    """Return whether progress is shown: if asked for, else on a terminal or in a notebook."""
    return sys.stderr.isatty() or is_notebook() if progress is None else progress
