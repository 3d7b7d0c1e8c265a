"""Folder that is filled under a hidden name, and named when it is complete.

A process holds a lock next to the folder that it fills. The system releases it if the process is
killed, so that the next attempt at the same folder removes what was left behind, and nothing that
another process is at.
"""

import glob
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from safecompress_core.atomic_writing import partial_name
from safecompress_core.errors import WriteError

__all__ = ["new_folder"]

LOCK = ".lock"


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Fill a folder that does not exist yet, whole or not at all; its parents are made.

    What killed attempts at the same folder have left is removed before.

    Yields:
        An empty folder next to its place, which takes the name when the block ends without an
        error, and is removed after an error.

    Raises:
        FileExistsError: if something has its name.
        WriteError: if the folder cannot be made or renamed.
    """
    # lexists: a broken link is in the way, too.
    if os.path.lexists(path):
        raise FileExistsError(path)
    partial = path.with_name(partial_name(path.name))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path)
        # Before the folder, so that none is ever there without a lock.
        lock = FileLock(partial.with_name(partial.name + LOCK))
        lock.acquire()
    except OSError as error:
        raise WriteError(f"{path}: cannot be made: {error.strerror or error}") from error
    try:
        try:
            partial.mkdir()
        except OSError as error:
            raise WriteError(f"{path}: cannot be made: {error.strerror or error}") from error
        yield partial
        # A rename would replace an empty folder that was made meanwhile.
        if os.path.lexists(path):
            raise FileExistsError(path)
        try:
            partial.rename(path)
        except OSError as error:
            raise WriteError(f"{path}: cannot be made: {error.strerror or error}") from error
    finally:
        # Gone after a successful rename; otherwise nothing must be left behind.
        shutil.rmtree(partial, ignore_errors=True)
        _remove(lock)


def _sweep(path: Path) -> None:
    """Remove unfinished folders of one name whose processes are alive no more."""
    # glob.escape: a name may hold brackets.
    for locked in path.parent.glob(f".{glob.escape(path.name)}.*.partial{LOCK}"):
        lock = FileLock(locked)
        # A process that is alive holds its lock.
        with suppress(Timeout):
            lock.acquire(blocking=False)
            left = locked.with_name(locked.name.removesuffix(LOCK))
            # Of a link to a folder nothing is removed: it is none of ours.
            if not left.is_symlink():
                shutil.rmtree(left, ignore_errors=True)
            _remove(lock)


def _remove(lock: FileLock) -> None:
    # Before the release: after it the file may be another process's.
    Path(lock.lock_file).unlink(missing_ok=True)
    lock.release()
