"""Folder of a comparison: private, and held by one process at a time, which others wait for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from safecompress_core.atomic_writing import sweep
from safecompress_core.results.directory import make_private, require_inside

__all__ = ["lock_folder"]


@contextmanager
def lock_folder(folder: Path, *, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold a comparison's folder, which is made if it is not there.

    What a process that was killed has left half written is removed.

    Args:
        folder: of the comparison.
        waiting: is called before this process waits for another one.

    Raises:
        RunDirectoryError: if a symbolic link in it leads out of it.
        OSError: if it cannot be made or written to.
    """
    make_private(folder)
    require_inside(folder)
    lock = FileLock(folder / ".lock")
    try:
        # Not blocking at first, so that the user learns why nothing happens.
        lock.acquire(blocking=False)
    except Timeout:
        waiting()
        lock.acquire()
    try:
        # Only under the lock: partial files of a living process must stay.
        sweep(folder)
        yield
    finally:
        lock.release()
