"""Verification of an export: its files are those that were measured."""

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from safecompress_core.errors import RunDirectoryError
from safecompress_core.export.export_model import EXPORT
from safecompress_core.results.checksums import SUMS, read_recorded, sha256
from safecompress_core.results.integrity import Check, Status, check_recorded_files
from safecompress_core.results.schema import ExportRecord, format_errors

__all__ = ["is_export", "read_export", "verify_export"]


def is_export(directory: Path) -> bool:
    """Return whether a directory is an export."""
    return (directory / EXPORT).is_file()


def read_export(directory: Path) -> ExportRecord:
    """Return the record of an export.

    Raises:
        RunDirectoryError: if it is not there, was changed, or does not fit the schema.
    """
    path = directory / EXPORT
    try:
        return ExportRecord.model_validate(json.loads(read_recorded(directory, EXPORT)))
    except ValidationError as error:
        raise RunDirectoryError(f"{path}: {format_errors(error)}") from error
    except ValueError as error:
        raise RunDirectoryError(f"{path}: not JSON ({error})") from error


def verify_export(directory: Path) -> list[Check]:
    """Compare every file with its recorded SHA-256, and the model's with those in the record."""
    checks = list(check_recorded_files(directory, document=EXPORT))
    if any(check.name in (EXPORT, SUMS) and check.status is Status.DAMAGED for check in checks):
        return checks  # nothing can be compared with these
    try:
        record = read_export(directory)
    except RunDirectoryError as error:
        return [*checks, Check(EXPORT, Status.DAMAGED, str(error))]
    return [*checks, *_check_model(directory, record)]


def _check_model(directory: Path, record: ExportRecord) -> Iterator[Check]:
    for name, stated in record.files.items():
        path = directory / name
        if not path.is_file():
            yield Check(name, Status.DAMAGED, f"is gone; {EXPORT} has measured it")
        elif sha256(path) != stated:
            yield Check(name, Status.DAMAGED, f"was changed since it was measured ({EXPORT})")
        else:
            yield Check(name, Status.OK, f"is the {record.format} file that was measured")
