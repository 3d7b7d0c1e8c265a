"""Run directory of each process of a data-parallel run.

The leader holds the run directory, and writes. Each other process does the same work in a hidden
folder of its own inside: a copy of what an earlier attempt has kept, removed at the end.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safecompress_core.atomic_writing import partial_name
from safecompress_core.results.directory import RunDirectory
from safecompress_core.training.data_parallel import DataParallel

__all__ = ["open_rank_directory"]


@contextmanager
def open_rank_directory(place: Path, group: DataParallel) -> Iterator[RunDirectory]:
    """Enter the run directory, or this process's copy of it.

    Args:
        place: the run directory.
        group: the processes of the run.

    Raises:
        RunInUseError: if another run holds it.
        RunDirectoryError: if it cannot be made.
        DataParallelError: if another process of the group has ended.
    """
    if group.rank.is_leader:
        with RunDirectory(place) as directory:
            group.wait()  # the others may copy: no other process writes here
            group.wait()  # they have copied: now it may change
            yield directory
        return
    group.wait()
    copy = place / partial_name(f"rank-{group.rank.number}")
    try:
        _copy(place, copy)
        group.wait()
        with RunDirectory(copy) as directory:
            yield directory
    finally:
        shutil.rmtree(copy, ignore_errors=True)


def _copy(place: Path, copy: Path) -> None:
    """Copy all but hidden files; models, which are only ever replaced whole, as links."""

    def link_or_copy(source: str, target: str) -> None:
        if source.endswith(".safetensors"):
            try:
                os.link(source, target)
            # Not every file system has hard links.
            except OSError:
                pass
            else:
                return
        shutil.copyfile(source, target)

    shutil.copytree(place, copy, copy_function=link_or_copy, ignore=shutil.ignore_patterns(".*"))
