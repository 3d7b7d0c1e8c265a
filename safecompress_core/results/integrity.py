"""Integrity of the files of a run or an export: each is what ``SHA256SUMS`` has recorded."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from safecompress_core.errors import RunDirectoryError
from safecompress_core.results.checksums import RESULTS, SUMS, list_unrecorded, read_hashes, sha256

__all__ = ["Check", "Status", "check_recorded_files"]

SPARED = ("checkpoints", "references")
"""Folders that a finished run can do without."""


class Status(StrEnum):
    """Outcome of a check."""

    OK = "ok"
    WARNING = "warning"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: a file, or what of the results.
        status: whether it fits.
        message: what was found.
    """

    name: str
    status: Status
    message: str


def check_recorded_files(directory: Path, *, document: str = RESULTS) -> Iterator[Check]:
    """Check every file of a directory against its record.

    Args:
        directory: of a run, or an export.
        document: the file that says what the others are.

    Yields:
        Each damaged file; a warning for files that were deleted and need not be there, and for each
        that the run has not written; one good check if the record has no problem.
    """
    try:
        known = read_hashes(directory)
    except RunDirectoryError as error:
        # Without a record nothing else can be checked.
        yield Check(SUMS, Status.DAMAGED, str(error))
        return
    # All hashes first: the summary needs to know whether any differs.
    messages = {file: _damage(directory / file, stated) for file, stated in known.items()}
    spared = {file for file in messages if _is_spared(directory, file)}
    for file, message in messages.items():
        if message and file not in spared:
            yield Check(file, Status.DAMAGED, message)
    # Without its line, results would be trusted although nothing protects them.
    if document not in known:
        yield Check(document, Status.DAMAGED, f"{SUMS} does not name it")
    if spared:
        folders = " and ".join(SPARED)
        message = f"{len(spared)} files of {folders} were deleted, which nothing needs any more"
        yield Check(SUMS, Status.WARNING, message)
    for file in list_unrecorded(directory):
        yield Check(file, Status.WARNING, f"{SUMS} does not name it; it was added later")
    # Also not OK if spared files are missing, which the warning explains.
    if not any(messages.values()):
        yield Check(SUMS, Status.OK, f"{len(known)} files are as they were recorded")


def _damage(path: Path, stated: str) -> str:
    """Return the damage of a file; empty for none."""
    try:
        return "" if sha256(path) == stated else f"its SHA-256 is not the one in {SUMS}"
    # Unreadable is damage like any other; the check must go on with other files.
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def _is_spared(directory: Path, file: str) -> bool:
    """Return whether a file's whole folder was deleted, rather than its line lost."""
    folder = file.partition("/")[0]
    # The whole folder: a single missing file was not deleted on purpose.
    return folder in SPARED and not (directory / folder).exists()
