"""Problems for people, and for programs of their own."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from safecompress_core.specfile.problems import LocatedProblem

__all__ = ["as_json", "as_text"]


def as_text(problems: Sequence[LocatedProblem]) -> str:
    """A line each: ``file:line:column: path: message; hint``."""
    return "\n".join(map(str, problems))


def as_json(problems: Sequence[LocatedProblem]) -> str:
    """``{"problems": [{"file", "line", "column", "path", "message", "hint"}, …]}``."""
    # Indented: people read it, too.
    return json.dumps({"problems": [asdict(problem) for problem in problems]}, indent=2)
