"""SHA-256 record of a finished run's files, which is written last and makes the run finished.

``SHA256SUMS`` has a line for each file of the run directory, as ``sha256sum --check`` reads it.
Every reader of a finished run goes through this module; a file that is written
again later (the report) or added (a picked model) gets its line renewed.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from safecompress_core.atomic_writing import write_bytes
from safecompress_core.errors import RunDirectoryError

__all__ = [
    "MODEL",
    "RESULTS",
    "SUMS",
    "is_finished",
    "is_recorded",
    "list_unrecorded",
    "read_hashes",
    "read_recorded",
    "record_all_files",
    "record_files",
    "sha256",
]

SUMS, RESULTS = "SHA256SUMS", "results.json"
MODEL = Path("model") / "model.safetensors"
"""The chosen model in a run directory."""
# The format of sha256sum; no path starts with a slash or has a backslash.
LINE = re.compile(r"(?P<sha256>[0-9a-f]{64})  (?P<file>[^/\\\n][^\\\n]*)")


def is_finished(directory: Path) -> bool:
    """Return whether a run has written everything, this record included."""
    # The record is written last, so its presence means that all files are complete.
    return (directory / SUMS).is_file() and (directory / RESULTS).is_file()


def record_all_files(directory: Path) -> None:
    """Write the record of every file that there is.

    Raises:
        WriteError: if it cannot be written.
        OSError: if a file cannot be read.
    """
    _write(directory, {file: sha256(directory / file) for file in _files(directory)})


def record_files(directory: Path, files: Iterable[str]) -> None:
    """Renew the lines of some files, or add them.

    Raises:
        RunDirectoryError: if there is no record.
        WriteError: if it cannot be written.
    """
    # Merged with the known lines, so that other files keep their recorded hash.
    _write(directory, read_hashes(directory) | {file: sha256(directory / file) for file in files})


def read_hashes(directory: Path) -> dict[str, str]:
    """Return the SHA-256 of each file, by its path in the run directory.

    Raises:
        RunDirectoryError: if there is no record, or a line of it is damaged.
    """
    try:
        # ASCII with replacement: a damaged byte makes its line invalid instead of the file.
        text = (directory / SUMS).read_bytes().decode("ascii", errors="replace")
    except FileNotFoundError:
        raise RunDirectoryError(
            f"{directory / SUMS}: no such file; the run is not finished, or has lost this record: "
            "run the same line again"
        ) from None
    except OSError as error:
        raise RunDirectoryError(f"{directory / SUMS}: cannot be read: {error.strerror}") from None
    hashes: dict[str, str] = {}
    for number, line in enumerate(text.removesuffix("\n").split("\n"), start=1):
        match = LINE.fullmatch(line)
        if match is None:
            raise RunDirectoryError(f"{directory / SUMS}:{number}: is no SHA-256 and file name")
        hashes[match["file"]] = match["sha256"]
    # An interrupted write may cut a line exactly at its end.
    if not text.endswith("\n"):
        raise RunDirectoryError(f"{directory / SUMS}: is damaged; its last line is cut off")
    return hashes


def read_recorded(directory: Path, file: str) -> bytes:
    """Return the content of a file that is as the run has left it.

    Raises:
        RunDirectoryError: if it is not there, cannot be read, or is not what was recorded.
    """
    path = directory / file
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise RunDirectoryError(f"{path}: no such file; is this a finished run?") from None
    except OSError as error:
        raise RunDirectoryError(f"{path}: cannot be read: {error.strerror}") from None
    # The bytes just read are hashed, so that no change between check and use goes unnoticed.
    if read_hashes(directory).get(file) != hashlib.sha256(content).hexdigest():
        raise RunDirectoryError(
            f"{path}: was changed or damaged; its SHA-256 is not the one in {SUMS}. "
            "`safecompress verify` shows what else is; remove the directory to run anew"
        )
    return content


def is_recorded(directory: Path, file: str) -> bool:
    """Return whether a file is there, and is what was recorded."""
    path = directory / file
    return path.is_file() and read_hashes(directory).get(file) == sha256(path)


def list_unrecorded(directory: Path) -> list[str]:
    """Return the files that have come since."""
    known = read_hashes(directory)
    return [file for file in _files(directory) if file not in known]


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    # In chunks: model files may be larger than memory.
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _files(directory: Path) -> Iterator[str]:
    """The paths of all files but this record and hidden ones, in order."""
    for path in sorted(directory.rglob("*")):
        parts = path.relative_to(directory).parts
        # Hidden files are the lock and partial writes.
        if path.is_file() and not any(part.startswith(".") for part in parts):
            name = path.relative_to(directory).as_posix()
            if name != SUMS:
                yield name


def _write(directory: Path, sums: dict[str, str]) -> None:
    # Sorted, so that equal files give an equal record.
    lines = [f"{sums[file]}  {file}\n" for file in sorted(sums)]
    write_bytes(directory / SUMS, "".join(lines).encode())
