"""The folder that a run leaves behind; whatever is in it was written whole.

A file is written beside its place, synced, and renamed, so that a killed run leaves the old version
or the new one. The event log alone is appended to.
"""

import json
import os
import tempfile
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any, Self

from filelock import FileLock, Timeout
from ruamel.yaml import YAML

from safecompress_core.errors import RunDirectoryError, RunInUseError

__all__ = [
    "VERSION",
    "RunDirectory",
    "read_json",
    "read_results",
    "write_bytes",
    "write_json",
    "write_yaml",
]

VERSION = 1
"""Of the format of ``results.json``."""


class RunDirectory:
    """``runs/<name>-<hash>/``, held by one process at a time; use it as a context manager.

    Raises:
        RunInUseError: on entering, if another process holds it.
        RunDirectoryError: on entering, if the folder cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = FileLock(path / ".lock")

    def __enter__(self) -> Self:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(blocking=False)
        except Timeout:
            raise RunInUseError(
                f"{self.path}: another process is running here; wait for it, or give this run a "
                "place of its own with --runs-dir"
            ) from None
        except OSError as error:
            raise RunDirectoryError(f"{self.path}: {error.strerror or error}") from error
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    @property
    def results(self) -> Path:
        """The finished run's results; there only when the run is finished."""
        return self.path / "results.json"

    @property
    def model(self) -> Path:
        """The chosen model."""
        return self.path / "model" / "model.safetensors"

    @property
    def baseline(self) -> Path:
        """The uncompressed model."""
        return self.path / "baseline" / "model.safetensors"

    @property
    def checkpoints(self) -> Path:
        """Where training goes on from."""
        return self.path / "checkpoints"

    def archived(self, model: str) -> Path:
        """A non-dominated model of the archive."""
        return self.path / "archive" / f"{model}.safetensors"

    def log(self, event: Mapping[str, Any]) -> None:
        """Append one line to ``events.jsonl``, in one piece: a kill leaves no half of it."""
        line = json.dumps(event, ensure_ascii=False) + "\n"
        with (self.path / "events.jsonl").open("ab", buffering=0) as file:
            file.write(line.encode())


def write_json(path: Path, content: Any) -> None:
    """Write JSON, whole or not at all."""
    text = json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False)
    write_bytes(path, f"{text}\n".encode())


def write_yaml(path: Path, content: Any) -> None:
    """Write YAML, whole or not at all."""
    stream = StringIO()
    YAML(typ="safe", pure=True).dump(content, stream)
    write_bytes(path, stream.getvalue().encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all: to a temporary one beside its place, synced, renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises:
        RunDirectoryError: if the file is not there or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunDirectoryError(f"{path}: no such file; is this a finished run?") from None
    except ValueError as error:
        message = f"{path}: not JSON ({error}); delete it, and the same run makes it again"
        raise RunDirectoryError(message) from None


def read_results(directory: Path) -> dict[str, Any]:
    """The content of a run's ``results.json``.

    Raises:
        RunDirectoryError: if there is none, or it has another version.
    """
    found = read_json(directory / "results.json")
    version = found.get("version") if isinstance(found, dict) else None
    if version != VERSION:
        raise RunDirectoryError(
            f"{directory}: its results have version {version}, "
            f"this SafeCompress reads version {VERSION}"
        )
    results: dict[str, Any] = found
    return results
