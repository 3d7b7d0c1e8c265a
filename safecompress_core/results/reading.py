"""Results of a finished run, read from its directory."""

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from safecompress_core.errors import RunDirectoryError
from safecompress_core.results.checksums import RESULTS, read_recorded
from safecompress_core.results.schema import VERSION, Results, format_errors

__all__ = ["ResultsShapeError", "parse_results", "read_results"]

ENVIRONMENT = "environment.json"


class ResultsShapeError(RunDirectoryError):
    """Results of this version that do not fit the schema."""


def read_results(directory: Path) -> Results:
    """Return the content of a finished run's ``results.json``.

    Raises:
        RunDirectoryError: if there is none, it is not what the run has recorded, or it has another
            version.
        ResultsShapeError: if it does not fit the schema.
    """
    path = directory / RESULTS
    # Checked against the record, so that no damaged result is ever shown.
    return parse_results(path, read_recorded(directory, RESULTS))


def parse_results(path: Path, text: bytes) -> Results:
    """Return the content of a ``results.json``, wherever it lies.

    Raises:
        RunDirectoryError: if it is no JSON, or has another version.
        ResultsShapeError: if it does not fit the schema.
    """
    content = _parse(path, text)
    version = content.get("version") if isinstance(content, dict) else None
    if version != VERSION:
        raise RunDirectoryError(
            f"{path}: version: its results have version {version}, this SafeCompress reads "
            f"version {VERSION}; {_hint(path.parent)}"
        )
    try:
        return Results.model_validate(content)
    except ValidationError as error:
        raise ResultsShapeError(f"{path}: {format_errors(error)}; {_hint(path.parent)}") from error


def _parse(path: Path, content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError as error:
        message = f"{path}: not JSON ({error}); delete it, and the same run makes it again"
        raise RunDirectoryError(message) from None


def _hint(directory: Path) -> str:
    """Return what to do with results of another format, with the version that has written them."""
    try:
        environment = json.loads((directory / ENVIRONMENT).read_bytes())
        writer = f"SafeCompress {environment['packages']['safecompress']}"
    except (OSError, ValueError, KeyError, TypeError):
        writer = "another SafeCompress"
    return f"it was written by {writer}: run again, or use that version"
