"""Problems as GitHub shows them next to the lines of a pull request.

Source: GitHub Docs, "Workflow commands for GitHub Actions", setting an error message.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from safecompress_core.specfile.problems import LocatedProblem, printable

__all__ = ["as_annotations"]

DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
# Properties end at a comma or colon, data only at the end of the line.
PROPERTY = {**DATA, ":": "%3A", ",": "%2C"}


def as_annotations(problems: Sequence[LocatedProblem]) -> str:
    """A workflow command each; an override has no file to stand next to, so it is in the text."""
    return "\n".join(map(_annotation, problems))


def _annotation(problem: LocatedProblem) -> str:
    # Control characters in a file name could forge another command.
    problem = replace(problem, file=printable(problem.file))
    title = _escape(problem.path or "spec", PROPERTY)
    text = _escape(f"{problem.message}; {problem.hint}", DATA)
    if problem.is_override:
        # An override has no line, and an annotation without a file is shown at the run.
        return f"::error title={title}::{_escape(problem.file, DATA)}: {text}"
    file = _escape(problem.file, PROPERTY)
    place = f"file={file},line={problem.line},col={problem.column}"
    return f"::error {place},title={title}::{text}"


def _escape(text: str, codes: Mapping[str, str]) -> str:
    # Escaped before `printable`, which would replace line breaks.
    return "".join(codes.get(letter) or printable(letter) for letter in text)
