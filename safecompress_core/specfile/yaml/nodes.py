"""A spec's values, each with the place where it was written."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from safecompress_core.problems import Problem
from safecompress_core.specfile.problems import LocatedProblem, SpecPath, dotted_path

__all__ = ["Mark", "Node", "Scalar", "merge"]

Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a file; line and column count from 1, and are 0 for what stands in no file."""

    file: str
    line: int
    column: int

    def problem(self, path: SpecPath, message: str, hint: str) -> LocatedProblem:
        """A problem at this place."""
        return LocatedProblem(self.file, self.line, self.column, dotted_path(path), message, hint)

    def move(self, line: int, column: int) -> "Mark":
        """The place so many lines below, at a column from 0; on the same line to the right."""
        # On the first line the text may begin further right, as in --set.
        return Mark(self.file, self.line + line, column + (self.column if line == 0 else 1))


@dataclass(frozen=True, slots=True)
class Node:
    """A value of a spec.

    Attributes:
        content: a mapping or tuple of nodes, or a scalar.
        mark: where the value starts.
        key: where the key that holds it starts; None in a list and at the top.
    """

    content: "Mapping[str, Node] | tuple[Node, ...] | Scalar"
    mark: Mark
    key: Mark | None = None

    def plain(self) -> Any:
        """The value as dicts, lists and scalars."""
        if isinstance(self.content, Mapping):
            return {key: node.plain() for key, node in self.content.items()}
        if isinstance(self.content, tuple):
            return [node.plain() for node in self.content]
        return self.content

    def size(self) -> int:
        """The number of values: this one and all below it."""
        if isinstance(self.content, Mapping):
            return 1 + sum(node.size() for node in self.content.values())
        if isinstance(self.content, tuple):
            return 1 + sum(node.size() for node in self.content)
        return 1

    def child(self, step: str | int) -> "Node | None":
        """The node that this one holds under a key or at an index, if any."""
        if isinstance(self.content, Mapping):
            return self.content.get(str(step))
        if isinstance(self.content, tuple) and isinstance(step, int):
            return self.content[step] if 0 <= step < len(self.content) else None
        return None

    def along(self, path: SpecPath) -> "Iterator[Node]":
        """This node and those along the path, up to the first that is missing."""
        node: Node | None = self
        # None ends the path, so that the last node is yielded as well.
        for step in (*path, None):
            if node is None:
                return
            yield node
            if step is not None:
                node = node.child(step)

    def locate(self, problem: Problem) -> LocatedProblem:
        """The problem with the position of what is at fault."""
        mark = self.mark_of(problem.path, key=problem.at_key)
        return mark.problem(problem.path, problem.message, problem.hint)

    def mark_of(self, path: SpecPath, *, key: bool = False) -> Mark:
        """Return the position of a value, or of the innermost part of its path that has one.

        Args:
            path: of the value.
            key: whether the place of its key is wanted; so it is for an empty value, too.
        """
        *_, node = nodes = list(self.along(path))
        is_found = len(nodes) == len(path) + 1
        if node.key is not None and (node.content is None or (key and is_found)):
            return node.key
        return node.mark


def merge(base: Node, node: Node) -> Node:
    """``node`` laid over ``base``: mappings merge, all else replaces.

    A mapping whose ``type`` differs replaces too: the parameters of one component say nothing
    about another's.
    """
    if not (isinstance(base.content, Mapping) and isinstance(node.content, Mapping)):
        return node
    types = [kind.content for side in (base, node) if (kind := side.child("type"))]
    # Another type: parameters of the old component do not apply.
    if len(types) == 2 and types[0] != types[1]:
        return node
    content = dict(base.content)
    for key, value in node.content.items():
        content[key] = merge(content[key], value) if key in content else value
    # The position is that of the upper file, whose value it now is.
    return replace(node, content=content)
