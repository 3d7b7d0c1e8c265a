"""Problems as SARIF 2.1.0, which code scanners and editors read.

Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".
"""

import json
import os
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from safecompress_core.specfile.problems import LocatedProblem

__all__ = ["as_sarif"]

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
RULE = "invalid-spec"


def as_sarif(problems: Sequence[LocatedProblem]) -> str:
    """One run with a result each; an override has a logical location alone."""
    # One rule: problems differ by message, and are not numbered.
    rule = {"id": RULE, "shortDescription": {"text": "The spec cannot be run as it is written."}}
    run = {
        "tool": {"driver": {"name": "safecompress", "rules": [rule]}},
        # Columns count characters, as YAML's marks do, not UTF-16 units.
        "columnKind": "unicodeCodePoints",
        "results": [_result(problem) for problem in problems],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _result(problem: LocatedProblem) -> dict[str, Any]:
    text = f"{problem.message}; {problem.hint}"
    location: dict[str, Any] = {}
    if problem.is_override:
        text = f"{problem.file}: {text}"
    else:
        path = PurePath(problem.file)
        # A relative path is quoted as bytes: file names need not be valid UTF-8.
        uri = path.as_uri() if path.is_absolute() else quote(os.fsencode(path.as_posix()))
        region = {"startLine": problem.line, "startColumn": problem.column}
        location["physicalLocation"] = {"artifactLocation": {"uri": uri}, "region": region}
    # A logical location alone is valid, e.g. for overrides.
    if problem.path:
        location["logicalLocations"] = [{"fullyQualifiedName": problem.path}]
    message = {"text": text}
    return {
        "ruleId": RULE,
        "ruleIndex": 0,
        "level": "error",
        "message": message,
        # SARIF rejects an empty location, but not an empty list.
        "locations": [location] if location else [],
    }
