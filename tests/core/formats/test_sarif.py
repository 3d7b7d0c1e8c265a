"""Problems as SARIF."""

import json

from safecompress_core.formats.sarif import as_sarif
from tests.core.fixtures.problems import ALL


def test_sarif_names_tool_rule_place_and_field() -> None:
    """The fields that SARIF 2.1.0 requires, with paths as URIs."""
    log = json.loads(as_sarif(ALL))
    (run,) = log["runs"]
    in_file, override, whole = run["results"]

    assert log["version"] == "2.1.0"
    assert run["tool"]["driver"]["rules"][in_file["ruleIndex"]]["id"] == in_file["ruleId"]
    assert in_file["level"] == "error"
    assert in_file["message"]["text"].startswith("no such attacker: 100%; try, 'b'")
    assert in_file["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "specs/my%20spec.yaml"},
                "region": {"startLine": 14, "startColumn": 7},
            },
            "logicalLocations": [{"fullyQualifiedName": "attackers.1.type"}],
        }
    ]
    assert override["locations"] == [{"logicalLocations": [{"fullyQualifiedName": "seed"}]}]
    assert override["message"]["text"] == "--set seed=-1: -1 is less than 0; write a number"
    physical = whole["locations"][0]["physicalLocation"]
    assert physical["artifactLocation"]["uri"] == "file:///specs/a.yaml"
