"""Plain Python values as nodes: a spec that is a dictionary, or a part of one.

Nothing was written in a file, so all nodes have one place; problems name the field alone.
"""

from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

from safecompress_core.specfile.problems import LocatedProblem, SpecPath, shorten
from safecompress_core.specfile.yaml.composer import MAX_DEPTH, MAX_WHOLE, flaw_of_text
from safecompress_core.specfile.yaml.nodes import Mark, Node, Scalar

__all__ = ["DICTIONARY", "place_without_lines", "to_nodes"]

DICTIONARY = Path("<dict>")
"""What a problem names instead of a file; what it extends is relative to the working directory."""


class _UnfitError(Exception):
    """A spec cannot hold the value; carries what is wrong and what to write instead."""


def place_without_lines(origin: str) -> Mark:
    """Return the one place of all values that Python code gave."""
    return Mark(origin, 0, 0)


def to_nodes(
    value: Any, mark: Mark, problems: list[LocatedProblem], *, path: SpecPath = ()
) -> Node:
    """Return a plain value as nodes that all stand in one place.

    Args:
        value: mappings, lists, tuples and scalars as YAML has them; a path counts as its text.
        mark: the place of all of them.
        problems: gains a problem for each value that a spec cannot hold, which is then empty.
        path: of the value.
    """
    try:
        return Node(_content(value, mark, problems, path), mark, mark)
    except _UnfitError as unfit:
        problems.append(mark.problem(path[:MAX_DEPTH], *unfit.args))
        return Node(None, mark, mark)


def _content(
    value: Any, mark: Mark, problems: list[LocatedProblem], path: SpecPath
) -> Mapping[str, Node] | tuple[Node, ...] | Scalar:
    # A dictionary that holds itself has no end.
    if len(path) > MAX_DEPTH:
        message = f"more than {MAX_DEPTH} mappings and lists stand within each other"
        raise _UnfitError(message, "write it flatter")
    if isinstance(value, Mapping):
        for key in value:
            if not isinstance(key, str):
                message = f"the key {shorten(repr(key))} is no text"
                problems.append(mark.problem(path, message, "put it in quotes"))
        # Without such keys the other values still show their problems.
        return {
            key: to_nodes(below, mark, problems, path=(*path, key))
            for key, below in value.items()
            if isinstance(key, str)
        }
    if isinstance(value, list | tuple):
        return tuple(
            to_nodes(below, mark, problems, path=(*path, index))
            for index, below in enumerate(value)
        )
    return _scalar(value)


def _scalar(value: Any) -> Scalar:
    """Return a scalar as Python's own type, which every writer knows: NumPy has subclasses."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if abs(value) > MAX_WHOLE:
            message = f"{shorten(str(value))} is larger than a whole number may be"
            raise _UnfitError(message, f"give one of at most {MAX_WHOLE}")
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, str | PurePath):
        text = str(value)
        if flaw := flaw_of_text(text):
            raise _UnfitError(*flaw)
        return text
    message = f"an object of type {type(value).__name__} is no value of a spec"
    hint = "give a text, a number, True, False, None, a list or a dictionary"
    raise _UnfitError(message, hint)
