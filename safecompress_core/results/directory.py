"""The folder that a run leaves behind; whatever is in it was written whole.

Files are written by `safecompress_core.atomic_writing`, so that a killed run leaves the old version
or the new one. The event log alone is appended to.
"""

import json
import os
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout
from ruamel.yaml import YAML

from safecompress_core.atomic_writing import append_line, sweep, write_bytes
from safecompress_core.errors import RunDirectoryError, RunInUseError
from safecompress_core.results.checksums import MODEL, RESULTS, is_finished, record_all_files

__all__ = [
    "RunDirectory",
    "make_private",
    "read_json",
    "require_inside",
    "write_json",
    "write_yaml",
]

EVENTS = "events.jsonl"


class RunDirectory:
    """``runs/<name>-<hash>/``, held by one process at a time; use it as a context manager.

    It is made with mode 0700, since it reveals who is a member; a mode that it was given
    later stays. What a killed process has left half written is removed.

    Raises:
        RunInUseError: on entering, if another process holds it.
        RunDirectoryError: on entering, if the folder cannot be made, or a symbolic link in it leads
            out of it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # Hidden, so that it is not recorded as a file of the run.
        self._lock = FileLock(path / ".lock")
        self._handle: int | None = None

    def __enter__(self) -> Self:
        try:
            # Private first: no file may be readable for others, not even for a moment.
            make_private(self.path)
            # Before locking, which writes into the folder.
            require_inside(self.path)
            # Not blocking: two runs of one folder are a mistake of the user, no queue.
            self._lock.acquire(blocking=False)
            # An open handle keeps the inode, which ``_require_there`` compares.
            self._handle = os.open(self.path, os.O_RDONLY)
            # After locking: only then does no other process write them.
            sweep(self.path)
        except Timeout:
            raise RunInUseError(
                f"{self.path}: another process is running here; wait for it, or give this run a "
                "place of its own with --runs-dir"
            ) from None
        except OSError as error:
            raise RunDirectoryError(f"{self.path}: {error.strerror or error}") from error
        return self

    def __exit__(self, *_: object) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
        self._lock.release()

    @property
    def is_finished(self) -> bool:
        """Return whether the run is finished."""
        return is_finished(self.path)

    def record_all_files(self) -> None:
        """Record every file; with that, the run is finished.

        Raises:
            RunDirectoryError: if the directory was removed meanwhile, or a file cannot be read.
            WriteError: if the record cannot be written.
        """
        # A removed folder would be made anew, and a fragment recorded as finished.
        self._require_there()
        try:
            record_all_files(self.path)
        except OSError as error:
            file = error.filename or self.path
            raise RunDirectoryError(f"{file}: cannot be read: {error.strerror}") from error

    def _require_there(self) -> None:
        """Refuse to write into another directory that has replaced this one.

        The open handle keeps its number from being given to another.
        """
        if self._handle is None:
            return
        try:
            # By inode, not by path: a new folder may have the same path.
            is_there = os.path.samestat(os.fstat(self._handle), self.path.stat())
        except OSError:
            is_there = False
        if not is_there:
            raise RunDirectoryError(
                f"{self.path}: was removed while the run was at work; run the same line again"
            )

    @property
    def results(self) -> Path:
        """Return the results of the run."""
        return self.path / RESULTS

    @property
    def model(self) -> Path:
        """The chosen model."""
        return self.path / MODEL

    @property
    def baseline(self) -> Path:
        """The uncompressed model."""
        return self.path / "baseline" / "model.safetensors"

    @property
    def unfinished(self) -> Path:
        """The chosen model before its finishers."""
        return self.path / "unfinished" / "model.safetensors"

    def path_of_retrained(self, index: int) -> Path:
        """An uncompressed model of another seed, by its number from 0."""
        return self.path / "retrained" / f"{index}.safetensors"

    @property
    def checkpoints(self) -> Path:
        """Return the checkpoints that training resumes from."""
        return self.path / "checkpoints"

    def archive_path(self, model: str) -> Path:
        """A non-dominated model of the archive."""
        return self.path / "archive" / f"{model}.safetensors"

    def log(self, event: Mapping[str, Any]) -> None:
        """Append one line to ``events.jsonl``, in one piece: a kill leaves no half of it.

        Raises:
            WriteError: if it cannot be written; what was written of the line is taken back.
            RunDirectoryError: if the directory was removed meanwhile.
        """
        self._require_there()
        # One line a record; ``ensure_ascii=False`` keeps names readable.
        line = json.dumps(event, ensure_ascii=False) + "\n"
        append_line(self.path / EVENTS, line.encode())


def make_private(folder: Path) -> None:
    """Make a folder that none but its owner may enter; one that is there is left as it is.

    Raises:
        OSError: if it cannot be made.
    """
    try:
        # The mode applies to a new folder only; an existing one keeps its own.
        folder.mkdir(mode=0o700, exist_ok=True)
    except FileNotFoundError:
        # Parents get the default mode: they are not the run's.
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)


def require_inside(folder: Path) -> None:
    """Check that nothing would be written out of a folder, through a symbolic link in it.

    Raises:
        RunDirectoryError: if one leads out of it.
    """
    # Resolved, since the run folder itself may be behind a link.
    whole = folder.resolve()
    for path in folder.rglob("*"):
        if path.is_symlink() and not path.resolve().is_relative_to(whole):
            raise RunDirectoryError(
                f"{path}: is a symbolic link to {path.resolve()}, out of the run directory; "
                "nothing is written through it: put what it names in its place, or remove it"
            )


def write_json(path: Path, content: Any) -> None:
    """Write JSON, whole or not at all."""
    # NaN is not JSON, and other readers would refuse the file.
    text = json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False)
    write_bytes(path, f"{text}\n".encode())


def write_yaml(path: Path, content: Any) -> None:
    """Write YAML, whole or not at all."""
    stream = StringIO()
    # Pure Python: the C extension is not installed everywhere, and may format otherwise.
    YAML(typ="safe", pure=True).dump(content, stream)
    write_bytes(path, stream.getvalue().encode())


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises:
        RunDirectoryError: if the file is not there, cannot be read or is not JSON.
    """
    try:
        return _parse(path, path.read_bytes())
    except FileNotFoundError:
        raise RunDirectoryError(f"{path}: no such file; is this a finished run?") from None
    except OSError as error:
        raise RunDirectoryError(f"{path}: cannot be read: {error.strerror}") from None


def _parse(path: Path, content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError as error:
        message = f"{path}: not JSON ({error}); delete it, and the same run makes it again"
        raise RunDirectoryError(message) from None
