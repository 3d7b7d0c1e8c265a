"""Atomic writing of files: the one place that writes, so that no file is ever half written.

- A file is written next to its place, synced, and renamed. Its mode follows the umask.
- The name of an unfinished file ends in ``.partial`` and begins with a dot; `sweep` removes what a
  killed process has left behind.
- A log grows by whole lines.
"""

import os
import secrets
import shutil
from pathlib import Path

from safecompress_core.errors import WriteError

__all__ = ["append_line", "partial_name", "sweep", "write_bytes", "write_new"]

PARTIAL = ".*.partial"


def partial_name(name: str) -> str:
    """Return the name of something that `sweep` removes if it is left behind."""
    # Process and random part: several processes may write next to each other.
    return f".{name}.{os.getpid()}-{secrets.token_hex(4)}.partial"


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all; folders are made.

    Raises:
        WriteError: if it cannot be written; what was there stays.
    """
    # In the same folder, since a rename is atomic only within a file system.
    partial = path.with_name(partial_name(path.name))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            # 0o666 leaves it to the umask who else may read; a new file never follows a link
            handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                # Before the rename, or a crash may leave the new name with empty content.
                os.fsync(file.fileno())
            partial.replace(path)
        finally:
            # Gone after a successful rename; otherwise nothing must be left behind.
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise WriteError(f"{path}: cannot be written: {error.strerror or error}") from error


def write_new(path: Path, content: bytes) -> None:
    """Write a file that does not exist yet; folders are made.

    Raises:
        FileExistsError: if something has its name.
        WriteError: if it cannot be written; no file is left.
    """
    # lexists: a broken link is in the way, too.
    if os.path.lexists(path):
        raise FileExistsError(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(exist_ok=False)  # claims the name; a hard link would not work on every disk
    except OSError as error:
        raise WriteError(f"{path}: cannot be written: {error.strerror or error}") from error
    try:
        write_bytes(path, content)
    # The claimed name is empty and would block the next attempt.
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def append_line(path: Path, line: bytes) -> None:
    """Append a line to a file in one piece, so that a kill leaves no half of it.

    A symbolic link is not followed.

    Raises:
        WriteError: if it cannot be written; what was written of the line is taken back.
    """
    # Windows has no O_NOFOLLOW.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
    try:
        handle = os.open(path, flags, 0o666)
        try:
            _append(handle, line)
        finally:
            os.close(handle)
    except OSError as error:
        raise WriteError(f"{path}: cannot be written: {error.strerror or error}") from error


def _append(handle: int, line: bytes) -> None:
    # The size before, to cut off a half-written line.
    before = os.fstat(handle).st_size
    try:
        written = os.write(handle, line)
        if written < len(line):  # the second attempt raises the reason
            os.write(handle, line[written:])
    except OSError:
        os.ftruncate(handle, before)
        raise


def sweep(folder: Path) -> None:
    """Remove what processes that were killed have left half written below a folder.

    Only for anyone who holds the folder's lock: another process's unfinished files look the same.
    """
    # list(): the tree changes while it is walked.
    for left in list(folder.rglob(PARTIAL)):
        # A link to a folder is removed itself, never what it points to.
        if left.is_dir() and not left.is_symlink():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)
