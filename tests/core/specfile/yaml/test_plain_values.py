"""Python values as nodes of a spec."""

from pathlib import Path
from typing import Any

import pytest

from safecompress_core.specfile.problems import LocatedProblem
from safecompress_core.specfile.yaml.nodes import Mark, Node
from safecompress_core.specfile.yaml.plain_values import place_without_lines, to_nodes


def told(value: Any) -> tuple[Node, list[str]]:
    """The node of a value, and its problems as a user reads them."""
    problems: list[LocatedProblem] = []
    node = to_nodes(value, place_without_lines("<dict>"), problems)
    return node, [str(problem) for problem in problems]


def test_plain_values_come_back_as_they_are() -> None:
    """Tuples as lists, and paths as their text; all in one place that has no line."""
    root, problems = told({"a": [1, 0.5, True, None], "b": ("x", {"c": Path("data/adult.csv")})})

    assert problems == []
    assert root.plain() == {"a": [1, 0.5, True, None], "b": ["x", {"c": "data/adult.csv"}]}
    assert root.mark_of(("b", 1, "c")) == Mark("<dict>", 0, 0)


def test_a_number_of_a_library_becomes_python_s_own() -> None:
    """``numpy.float64`` is such a subclass of float, and YAML writers do not know it."""

    class Number(float):
        pass

    root, _ = told({"rate": Number(0.1)})

    assert type(root.plain()["rate"]) is float


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"a": {1: 2, "b": 3}}, "<dict>: a: the key 1 is no text; put it in quotes"),
        (
            {"a": [object()]},
            "<dict>: a.0: an object of type object is no value of a spec; give a text, a number, "
            "True, False, None, a list or a dictionary",
        ),
        (
            {"seed": 2**63},
            "<dict>: seed: 9223372036854775808 is larger than a whole number may be; give one of "
            "at most 9223372036854775807",
        ),
        ({"name": "a\0"}, "<dict>: name: the text has a NUL character; take it out"),
    ],
)
def test_what_a_spec_cannot_hold_is_a_problem_of_its_field(value: Any, problem: str) -> None:
    """There is no line to name; the other values stay."""
    _, problems = told({**value, "version": 1})

    assert problems == [problem]


def test_a_dictionary_that_holds_itself_is_refused() -> None:
    """As aliases that stand inside what they repeat are in YAML."""
    endless: dict[str, Any] = {}
    endless["more"] = endless

    _, [problem] = told(endless)

    assert "more than 64 mappings and lists stand within each other" in problem
