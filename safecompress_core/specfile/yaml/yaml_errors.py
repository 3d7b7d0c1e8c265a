"""Syntax errors of YAML in words: the place, the rule, and what to write instead."""

import re
from collections.abc import Mapping

from ruamel.yaml.error import MarkedYAMLError

from safecompress_core.specfile.problems import shorten

__all__ = ["syntax_error"]

INDENT = "give all keys of a mapping, and all '-' of a list, the same indent, in spaces"

REASONS: Mapping[str, tuple[str, str]] = {
    r"found character '\\t'": (
        "a tab stands where only spaces may stand",
        "use spaces for indents, and before values",
    ),
    r"found character (?P<char>.+) that cannot": (
        "a value cannot begin with {char}",
        "put the text in quotes",
    ),
    "mapping values are not allowed here": (
        "a second ': ' on the line, or an indent that fits no line above",
        f"put text with ': ' in quotes, or {INDENT}",
    ),
    "expected <block end>": ("the indent fits no line above", INDENT),
    "could not find expected ':'": ("a key has no ':' behind it", "write 'name: value'"),
    "found unexpected end of stream": (
        "a quote is opened and never closed",
        "close it with the same kind of quote",
    ),
    r"expected ',' or '(?P<end>[\]}])'": (
        "a list or mapping is opened here and not closed with '{end}'",
        "write '{end}' at its end, and ',' between its entries",
    ),
    "expected the node content": (
        "a value is missing",
        "write it, or close the list or mapping that is open",
    ),
    "found unknown escape character": (
        "a backslash in double quotes begins an escape that YAML does not have",
        r"use single quotes, or write '\\' for a backslash",
    ),
}
"""What ruamel says, as a pattern, and what a user needs to know; the first that fits counts."""

OPENED = ("expected ',' or '", "found unexpected end of stream")
"""Reasons that are reported where something was opened rather than where the text went wrong."""


def syntax_error(error: MarkedYAMLError, text: str) -> tuple[int, int, str, str]:
    """Return what a syntax error means.

    Args:
        error: as ruamel raises it.
        text: that was read.

    Returns:
        Line and column from 0, the message and what to write instead.
    """
    reason = " ".join((error.problem or error.context or "").split())
    # An unclosed bracket is reported where it opened: the end of the file says nothing.
    is_opened = reason.startswith(OPENED) and error.context_mark is not None
    mark = error.context_mark if is_opened else error.problem_mark or error.context_mark
    # Some errors have no mark at all.
    line, column = (0, 0) if mark is None else (mark.line, mark.column)
    # ruamel reports tabs in several ways, and only one names the tab.
    if _has_tab_before(text, line, column):
        reason = r"found character '\t'"
    for pattern, (message, hint) in REASONS.items():
        match = re.search(pattern, reason)
        if match:
            # Texts of the spec are quoted in messages, and may be long.
            words = {name: shorten(value) for name, value in match.groupdict().items()}
            return (
                line,
                column,
                f"this is not YAML: {message.format(**words)}",
                hint.format(**words),
            )
    return line, column, f"this is not YAML: {shorten(reason)}", "correct it there or before"


def _has_tab_before(text: str, line: int, column: int) -> bool:
    """Return whether a tab indents the line of an error and may be its cause."""
    lines = text.splitlines()
    if line >= len(lines):
        return False
    before = lines[line][: column + 1]
    return before.strip() == "" and "\t" in before
