"""Problems as text and as JSON."""

import json

from safecompress_core.formats.plain import as_json, as_text
from tests.core.fixtures.problems import ALL


def test_text_is_a_line_each() -> None:
    """As every other tool prints them; a hint may go on in indented lines."""
    assert as_text(ALL).splitlines() == [
        "specs/my spec.yaml:14:7: attackers.1.type: no such attacker: 100%; try, 'b'",
        "    so",
        "--set seed=-1:1:6: seed: -1 is less than 0; write a number",
        "/specs/a.yaml:1:1: the file is empty; write a spec",
    ]


def test_json_has_every_part_by_itself() -> None:
    """A program need not parse a line."""
    found = json.loads(as_json(ALL))

    assert found["problems"][0] == {
        "file": "specs/my spec.yaml",
        "line": 14,
        "column": 7,
        "path": "attackers.1.type",
        "message": "no such attacker: 100%",
        "hint": "try, 'b'\n    so",
    }
    assert [problem["path"] for problem in found["problems"]] == ["attackers.1.type", "seed", ""]
