"""Syntax errors of YAML in words."""

import pytest
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from safecompress_core.specfile.yaml.yaml_errors import syntax_error


def told(text: str) -> str:
    """What is said of a text that is no YAML: line and column from 0, message and hint."""
    with pytest.raises(MarkedYAMLError) as refused:
        YAML(typ="safe", pure=True).compose(text)
    line, column, message, hint = syntax_error(refused.value, text)
    return f"{line}:{column}: {message}; {hint}"


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("a: [1,\n", "1:0: this is not YAML: a value is missing; write it, or close the list or"),
        (
            "a: [1, 2\nb: 3\n",
            "0:3: this is not YAML: a list or mapping is opened here and not closed",
        ),
        (
            "a: 1\n b: 2\n",
            "1:2: this is not YAML: a second ': ' on the line, or an indent that fits",
        ),
        ("a:\n  b: 1\n c: 2\n", "2:1: this is not YAML: the indent fits no line above; give all"),
        ("a:\n- b: 1\n   c: 2", "2:4: this is not YAML: a second ': ' on the line, or an indent"),
        ("a: b: c", "0:4: this is not YAML: a second ': ' on the line, or an indent that fits"),
        ("a:\tb: c", "0:2: this is not YAML: a tab stands where only spaces may stand; use spaces"),
        ("a:\n\tb: 1\n", "1:0: this is not YAML: a tab stands where only spaces may stand; use"),
        ("a:\n  b: 1\n\tc: 1\n", "2:0: this is not YAML: a tab stands where only spaces may stand"),
        ("a: @x", "0:3: this is not YAML: a value cannot begin with '@'; put the text in quotes"),
        ("a: 'x\nb: 1\n", "0:3: this is not YAML: a quote is opened and never closed; close it"),
        ('a: "C:\\data"', "0:7: this is not YAML: a backslash in double quotes begins an escape"),
        (
            "a: 1\nb\nc: 2\n",
            "2:0: this is not YAML: a key has no ':' behind it; write 'name: value'",
        ),
    ],
)
def test_a_slip_is_told_where_it_was_made(text: str, start: str) -> None:
    """Where something was opened that nothing closes, and where a tab stands."""
    assert told(text).startswith(start)


def test_the_brackets_of_the_hint_are_those_that_were_opened() -> None:
    """Of a list or of a mapping."""
    assert told("a: [1, 2\nb: 3\n").endswith("write ']' at its end, and ',' between its entries")
    assert told("a: {b: 1\nc: 3\n").endswith("write '}' at its end, and ',' between its entries")


def test_a_reason_that_nobody_foresaw_is_told_as_it_is() -> None:
    """On one line, with a general hint; without a mark it is about the beginning."""
    error = MarkedYAMLError(problem="something\n  new", problem_mark=None)

    assert syntax_error(error, "a: 1") == (
        0,
        0,
        "this is not YAML: something new",
        "correct it there or before",
    )
