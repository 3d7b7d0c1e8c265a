"""Problems as text, JSON, GitHub annotations and SARIF, from one list."""

from collections.abc import Callable, Mapping, Sequence

from safecompress_core.formats.annotations import as_annotations
from safecompress_core.formats.plain import as_json, as_text
from safecompress_core.formats.sarif import as_sarif
from safecompress_core.specfile.problems import LocatedProblem

__all__ = ["FORMATS", "render"]

FORMATS: Mapping[str, Callable[[Sequence[LocatedProblem]], str]] = {
    "text": as_text,
    "json": as_json,
    "github": as_annotations,
    "sarif": as_sarif,
}
"""What renders problems, by the format's name."""


def render(problems: Sequence[LocatedProblem], format: str) -> str:  # noqa: A002 - as the option is called
    """Problems in one of the formats, without a newline at the end; empty text if there is nothing.

    Raises:
        KeyError: if there is no such format.
    """
    return FORMATS[format](problems)
