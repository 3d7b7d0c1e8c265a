"""Atomic writing of files: what is there is whole, and what is cut short leaves no trace for long.

- A file is written beside its place, synced, and renamed. Its mode follows the umask.
- The name of what is not whole yet ends in ``.partial`` and begins with a dot; `sweep` removes what
  a killed process has left behind.
"""

import os
import secrets
import shutil
from pathlib import Path

from safecompress_core.errors import WriteError

__all__ = ["partial_name", "sweep", "write_bytes"]

PARTIAL = ".*.partial"


def partial_name(name: str) -> str:
    """Return the name of something that `sweep` removes if it is left behind."""
    return f".{name}.{os.getpid()}-{secrets.token_hex(4)}.partial"


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all; folders are made.

    Raises:
        WriteError: if it cannot be written; what was there stays.
    """
    partial = path.with_name(partial_name(path.name))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            # 0o666 leaves it to the umask who else may read; a new file never follows a link
            handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise WriteError(f"{path}: cannot be written: {error.strerror or error}") from error


def sweep(folder: Path) -> None:
    """Remove what processes that were killed have left half written below a folder.

    Only for whoever holds the folder's lock: another process's unfinished files look the same.
    """
    for left in list(folder.rglob(PARTIAL)):
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)
