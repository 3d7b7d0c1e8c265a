"""Problems in every format."""

import json

import pytest

from safecompress_core.formats import FORMATS, render
from safecompress_core.specfile.problems import LocatedProblem

IN_FILE = LocatedProblem(
    "specs/my spec.yaml", 14, 7, "attackers.1.type", "no such attacker: 100%", "try, 'b'\n    so"
)
OVERRIDE = LocatedProblem("--set seed=-1", 1, 6, "seed", "-1 is less than 0", "write a number")
WHOLE = LocatedProblem("/specs/a.yaml", 1, 1, "", "the file is empty", "write a spec")
ALL = (IN_FILE, OVERRIDE, WHOLE)


def test_text_is_a_line_each() -> None:
    """As every other tool prints them; a hint may go on in indented lines."""
    assert render(ALL, "text").splitlines() == [
        "specs/my spec.yaml:14:7: attackers.1.type: no such attacker: 100%; try, 'b'",
        "    so",
        "--set seed=-1:1:6: seed: -1 is less than 0; write a number",
        "/specs/a.yaml:1:1: the file is empty; write a spec",
    ]


def test_json_has_every_part_by_itself() -> None:
    """So that a program need not take a line apart."""
    found = json.loads(render(ALL, "json"))

    assert found["problems"][0] == {
        "file": "specs/my spec.yaml",
        "line": 14,
        "column": 7,
        "path": "attackers.1.type",
        "message": "no such attacker: 100%",
        "hint": "try, 'b'\n    so",
    }
    assert [problem["path"] for problem in found["problems"]] == ["attackers.1.type", "seed", ""]


def test_github_annotations_escape_what_the_runner_would_read() -> None:
    """Percent signs and newlines in the text, colons and commas in properties too."""
    odd = LocatedProblem("a,b:c.yaml", 1, 2, "x", "50%", "y: z, w")

    assert render((IN_FILE, odd), "github").splitlines() == [
        "::error file=specs/my spec.yaml,line=14,col=7,title=attackers.1.type::"
        "no such attacker: 100%25; try, 'b'%0A    so",
        "::error file=a%2Cb%3Ac.yaml,line=1,col=2,title=x::50%25; y: z, w",
    ]


def test_github_annotations_without_a_file_say_where_in_words() -> None:
    """An override stands on the command line; a problem of the whole file has no field."""
    assert render((OVERRIDE, WHOLE), "github").splitlines() == [
        "::error title=seed::--set seed=-1: -1 is less than 0; write a number",
        "::error file=/specs/a.yaml,line=1,col=1,title=spec::the file is empty; write a spec",
    ]


def test_sarif_names_tool_rule_place_and_field() -> None:
    """What SARIF 2.1.0 requires, with paths as URIs."""
    log = json.loads(render(ALL, "sarif"))
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


def test_no_problems_are_no_lines_or_an_empty_document() -> None:
    """A machine gets a document in any case, a person and a runner nothing."""
    assert [render((), name) for name in ("text", "github")] == ["", ""]
    assert json.loads(render((), "json")) == {"problems": []}
    assert json.loads(render((), "sarif"))["runs"][0]["results"] == []


def test_there_is_no_other_format() -> None:
    """The command line offers exactly these."""
    assert list(FORMATS) == ["text", "json", "github", "sarif"]
    with pytest.raises(KeyError):
        render((), "xml")
