"""``--set a.b=c``: values laid over a spec before it is validated, and what else a command says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from safecompress_core.specfile.problems import OVERRIDE, LocatedProblem, SpecPath, dotted_path
from safecompress_core.specfile.yaml.composer import MAX_DEPTH, parse
from safecompress_core.specfile.yaml.nodes import Mark, Node
from safecompress_core.specfile.yaml.plain_values import place_without_lines, to_nodes

__all__ = ["Overlay", "Overrides", "apply_overlays", "apply_overrides"]

Overrides: TypeAlias = Sequence[str] | Mapping[str, Any]
"""``a.b=c`` each, as ``--set`` takes them; from Python also values by their fields."""

MAPPING = "overrides"
"""What a problem of a value in such a mapping names instead of a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """A value that does not come from a spec's file: from an option, or from a model's file.

    Attributes:
        steps: where it belongs.
        value: plain.
        origin: what a problem names instead of a file: ``--data adult.csv``.
        yields: whether what the spec itself says there stays.
    """

    steps: tuple[str, ...]
    value: Any
    origin: str
    yields: bool = False


class _MisplacedError(Exception):
    """The path leads nowhere; carries what is wrong and what to write instead."""


def apply_overrides(root: Node, overrides: Overrides, problems: list[LocatedProblem]) -> Node:
    """The spec with every override applied, in order.

    Args:
        root: the spec.
        overrides: ``a.b=c``, split at the first ``=``; ``c`` is YAML, a number in the path is a
            place in a list, and mappings on the way are made where there are none. Or a mapping
            from ``a.b`` to plain values.
        problems: gains what is wrong with an override, which then changes nothing.
    """
    if isinstance(overrides, Mapping):
        for field, value in overrides.items():
            root = _lay(root, field.split("."), value, place_without_lines(MAPPING), problems)
        return root
    for text in overrides:
        root = _with_override(root, text, problems)
    return root


def apply_overlays(root: Node, values: Sequence[Overlay], problems: list[LocatedProblem]) -> Node:
    """The spec with its values replaced, in order.

    Args:
        root: the spec.
        values: mappings on the way are made where there are none.
        problems: gains a problem for each value that has no place, which then changes nothing.
    """
    for laid in values:
        # All steps exist: `along` yields the root, and a node for each step.
        if laid.yields and len([*root.along(laid.steps)]) > len(laid.steps):
            continue
        root = _lay(root, laid.steps, laid.value, Mark(laid.origin, 1, 1), problems)
    return root


def _lay(
    root: Node, steps: Sequence[str], value: Any, mark: Mark, problems: list[LocatedProblem]
) -> Node:
    """The spec with a plain value at a path; a problem where the path leads nowhere."""
    try:
        return _place(root, (), steps, to_nodes(value, mark, problems, path=tuple(steps)))
    except _MisplacedError as misplaced:
        message, hint = misplaced.args
        problems.append(mark.problem(tuple(steps), message, hint))
        return root


def _with_override(root: Node, text: str, problems: list[LocatedProblem]) -> Node:
    target, equals, value_text = text.partition("=")
    # The option's own text is the file, in which columns count.
    start = Mark(f"{OVERRIDE}{text}", 1, 1)
    steps = [step.strip() for step in target.split(".")]
    if not equals or not all(steps):
        message = "this is no assignment" if not equals else "a step of the path is empty"
        problems.append(start.problem((), message, "write --set field.field=value"))
        return root
    if len(steps) > MAX_DEPTH:
        message = f"the path has more than {MAX_DEPTH} steps"
        problems.append(start.problem((), message, "name a field of the spec"))
        return root
    # The value begins after the equals sign; columns count from 1.
    value_start = replace(start, column=len(target) + 2)
    before = len(problems)
    value = parse(value_text, start=value_start, problems=problems)
    # The spec stays as it was: a value with problems is no value.
    if len(problems) > before:
        return root
    # `--set a.b=` sets an empty value.
    value = replace(value or Node(None, value_start), key=start)
    try:
        return _place(root, (), steps, value)
    except _MisplacedError as misplaced:
        message, hint = misplaced.args
        problems.append(start.problem(tuple(steps), message, hint))
        return root


def _place(node: Node, done: SpecPath, steps: Sequence[str], value: Node) -> Node:
    """``node`` with ``value`` at ``steps`` below it; ``done`` is the path that led to it."""
    if not steps:
        return value
    step, *rest = steps
    content = node.content
    # An empty field may be filled by setting something below it.
    if content is None:
        content = {}
    if isinstance(content, Mapping):
        # A missing mapping is created, and has the place of the option.
        below = content.get(step) or Node({}, value.mark, value.key)
        return replace(node, content={**content, step: _place(below, (*done, step), rest, value)})
    if not isinstance(content, tuple):
        message = f"{dotted_path(done)!r} is {content!r} and has no fields"
        raise _MisplacedError(message, f"set {dotted_path(done)!r} itself")
    # isdecimal: '-1' and '1.0' are no places.
    if not step.isdecimal() or int(step) >= len(content):
        message = f"{dotted_path(done)!r} is a list of {len(content)} and has no place {step!r}"
        last = len(content) - 1
        hint = f"use a number from 0 to {last}" if content else f"set {dotted_path(done)!r} itself"
        raise _MisplacedError(message, hint)
    place = int(step)
    changed = _place(content[place], (*done, place), rest, value)
    return replace(node, content=(*content[:place], changed, *content[place + 1 :]))
