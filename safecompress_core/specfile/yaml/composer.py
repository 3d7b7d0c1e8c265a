"""YAML 1.2 text as nodes with positions: composed by ruamel, bounded, and free of code.

Decisions:

- Events are composed, not constructed: a node has the place of its key and value, also of what an
  anchor or a merge key brings in, and all duplicate keys are reported rather than the first.
- An anchored value is composed once and shared by its aliases. Each alias counts as many values as
  it stands for, so that aliases of aliases run into the same bound as a long file.
- Values and depth are bounded, and so is the number of problems: a hostile spec costs
  seconds at most.
- A spec has strings, numbers, booleans, null, lists and mappings. A date stays the text it is;
  any other tag is a problem.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from safecompress_core.specfile.problems import LocatedProblem, SpecPath, printable, shorten
from safecompress_core.specfile.yaml.nodes import Mark, Node, Scalar
from safecompress_core.specfile.yaml.yaml_errors import syntax_error

__all__ = [
    "MAX_DEPTH",
    "MAX_PROBLEMS",
    "MAX_VALUES",
    "MAX_WHOLE",
    "Budget",
    "flaw_of_text",
    "parse",
]

MAX_VALUES = 20_000
"""Values that a spec may have with everything that it extends and that its aliases repeat."""
MAX_DEPTH = 64
"""Mappings and lists that may stand within each other."""
MAX_PROBLEMS = 100
"""Problems after which no more are looked for in a text."""
MAX_WHOLE = 2**63 - 1
"""The largest whole number, as in a signed integer of 64 bits."""

TAG = "tag:yaml.org,2002:"
TEXT_TAGS = {TAG + "str", TAG + "timestamp"}
KINDS = {
    TAG + "null": "empty",
    TAG + "bool": "true or false",
    TAG + "int": "a whole number",
    TAG + "float": "a number",
}
"""What the tags of scalars other than text stand for."""
EXPONENT = re.compile(r"[-+]?[0-9_.]+[eE][-+]?[0-9]+")


def flaw_of_text(text: str) -> tuple[str, str] | None:
    """Return what is wrong with a text that no spec can hold, and what to write; else None."""
    if "\0" in text:
        return "the text has a NUL character", "take it out"
    # JSON can express lone surrogates, UTF-8 cannot.
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        message = "the text has half of a surrogate pair, which no file can hold"
        return message, r'write the character, or "\U0001F600"'
    return None


@dataclass(slots=True)
class Budget:
    """The values that may still be composed; files that belong together share one."""

    values: int = MAX_VALUES


class _BoundError(Exception):
    """A bound was crossed; carries the place, the rule and what to write instead."""

    def __init__(self, mark: Mark, path: SpecPath, message: str, hint: str) -> None:
        super().__init__(message)
        self.problem = mark.problem(path, message, hint)


def parse(
    text: str, *, start: Mark, problems: list[LocatedProblem], budget: Budget | None = None
) -> Node | None:
    """Compose one YAML document.

    Args:
        text: the document.
        start: where its first character stands.
        problems: gains what is wrong with the text.
        budget: loses the values that were composed.

    Returns:
        The document's value; None if it is empty, no YAML, or exceeds a bound.
    """
    # Pure Python: its events carry the positions that problems report.
    yaml = YAML(typ="safe", pure=True)
    composer = _Composer(yaml, start, problems, budget or Budget())
    try:
        return composer.document(yaml.parse(text))
    # A bound ends composing at once; what was found before is kept.
    except _BoundError as error:
        problems.append(error.problem)
    except MarkedYAMLError as error:
        line, column, message, hint = syntax_error(error, text)
        problems.append(start.move(line, column).problem((), message, hint))
    except ReaderError as error:
        # The reader counts characters, not lines.
        before = text[: error.position]
        place = start.move(before.count("\n"), len(before) - before.rfind("\n") - 1)
        message = (
            f"this is not YAML: the character {printable(text[error.position])} may not stand in it"
        )
        problems.append(place.problem((), message, "take it out"))
    except YAMLError as error:
        reason = str(error).splitlines()[0]
        problems.append(start.problem((), f"this is not YAML: {reason}", "save it as plain text"))
    except Exception as error:  # noqa: BLE001 - ruamel lets other errors out on some broken texts
        reason = shorten(f"{type(error).__name__}: {error}")
        problems.append(start.problem((), f"this is not YAML: {reason}", "write plain YAML"))
    return None


@dataclass(frozen=True, slots=True)
class _Composed:
    """A node with the number of values in it and the levels below it."""

    node: Node
    size: int = 1
    depth: int = 0


@dataclass(slots=True)
class _Composer:
    """The events of one document into a node."""

    yaml: YAML
    start: Mark
    problems: list[LocatedProblem]
    budget: Budget
    events: Iterator[Event] = field(default_factory=lambda: iter(()))
    anchors: dict[str, _Composed | None] = field(default_factory=dict)
    """What an anchor names; None as long as it is being composed."""

    def document(self, events: Iterator[Event]) -> Node | None:
        self.events = events
        root: Node | None = None
        documents = 0
        for event in events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    message = "this is not YAML: a second document begins here"
                    hint = "write one spec in a file, without a line '---' in its middle"
                    raise _BoundError(self._mark(event), (), message, hint)
            elif isinstance(event, NodeEvent):
                root = self._node(event, (), 0).node
        # A document of problems alone is reported by these, not as empty.
        is_empty = root is None or (root.content is None and not self.problems)
        return None if is_empty else root

    def _mark(self, event: Event) -> Mark:
        return self.start.move(event.start_mark.line, event.start_mark.column)

    def _node(self, event: Any, path: SpecPath, depth: int) -> _Composed:
        mark = self._mark(event)
        # Before spending: an alias costs what it repeats.
        if isinstance(event, AliasEvent):
            return self._alias(event, path, depth)
        self._spend(1, mark, path)
        self._require_depth(depth, mark, path)
        anchor = event.anchor
        if anchor is not None:
            # None while it is composed, by which an alias inside itself is recognised.
            self.anchors[anchor] = None
        if isinstance(event, MappingStartEvent):
            composed = self._mapping(event, path, depth)
        elif isinstance(event, SequenceStartEvent):
            composed = self._sequence(event, path, depth)
        else:
            assert isinstance(event, ScalarEvent)
            composed = _Composed(self._scalar(event, path))
        if anchor is not None:
            self.anchors[anchor] = composed
        return composed

    def _alias(self, event: AliasEvent, path: SpecPath, depth: int) -> _Composed:
        mark = self._mark(event)
        if event.anchor not in self.anchors:
            message = f"no anchor is called {shorten(event.anchor)!r}"
            hint = f"write '&{shorten(event.anchor)}' before the value that is to be repeated"
            # A node without content, so that composing goes on and finds more problems.
            return _Composed(self._refused(mark, path, message, hint))
        target = self.anchors[event.anchor]
        if target is None:
            message, hint = "this alias stands inside what it repeats", "write the value out"
            return _Composed(self._refused(mark, path, message, hint))
        self._spend(target.size, mark, path)
        self._require_depth(depth + target.depth, mark, path)
        return target

    def _sequence(self, event: SequenceStartEvent, path: SpecPath, depth: int) -> _Composed:
        mark = self._collection_mark(event, path, SequenceNode)
        items: list[_Composed] = []
        for below in self.events:
            if isinstance(below, SequenceEndEvent):
                break
            items.append(self._node(below, (*path, len(items)), depth + 1))
        return _compose_node(Node(tuple(item.node for item in items), mark), items)

    def _mapping(self, event: MappingStartEvent, path: SpecPath, depth: int) -> _Composed:
        mark = self._collection_mark(event, path, MappingNode)
        nodes: dict[str, Node] = {}
        inherited: dict[str, Node] = {}
        below: list[_Composed] = []
        for key in self.events:
            if isinstance(key, MappingEndEvent):
                break
            key_mark = self._mark(key)
            name, is_merge = self._key(key, path, depth)
            value = next(self.events)
            if is_merge:
                composed = self._node(value, path, depth + 1)
                # setdefault: of several merge keys the first wins.
                for name, node in self._inherit(composed.node, path).items():
                    inherited.setdefault(name, node)
            elif name is None:
                # Composed although its key is unusable: its events must be consumed.
                self._node(value, path, depth + 1)
                continue
            else:
                if name in nodes:
                    self._tell_twice(name, nodes[name], key_mark, path)
                composed = self._node(value, (*path, name), depth + 1)
                nodes[name] = replace(composed.node, key=key_mark)
            below.append(composed)
        return _compose_node(Node(inherited | nodes, mark), below)

    def _key(self, event: Event, path: SpecPath, depth: int) -> tuple[str | None, bool]:
        """The name of a key, and whether it is ``<<``; no name where it is no text."""
        shown = "..."
        # An anchored key is composed in full, so that its anchor is known.
        if isinstance(event, ScalarEvent) and event.anchor is None:
            tag = self._tag(event, ScalarNode)
            if tag == TAG + "merge":
                return None, True
            shown = shorten(str(event.value))
            content = self._scalar(event, path).content if tag in TEXT_TAGS else None
        else:
            content = self._node(event, path, depth + 1).node.content
        if isinstance(content, str):
            return content, False
        self._refused(self._mark(event), path, f"the key {shown} is no text", "put it in quotes")
        return None, False

    def _tell_twice(self, name: str, before: Node, mark: Mark, path: SpecPath) -> None:
        where = f" (first on line {before.key.line})" if before.key else ""
        message = f"the key {shorten(name)!r} is given twice{where}"
        self._refused(mark, (*path, name), message, "keep one of them")

    def _inherit(self, node: Node, path: SpecPath) -> Mapping[str, Node]:
        """Merge ``<<: *anchor``; of several mappings the first that has a key wins."""
        inherited: dict[str, Node] = {}
        # `<<: [*a, *b]` merges several mappings.
        for part in node.content if isinstance(node.content, tuple) else (node,):
            if isinstance(part.content, Mapping):
                for name, value in part.content.items():
                    inherited.setdefault(name, value)
            else:
                message = "'<<' merges mappings only"
                self._refused(part.mark, path, message, "name an anchored mapping")
        return inherited

    def _collection_mark(
        self, event: SequenceStartEvent | MappingStartEvent, path: SpecPath, kind: type
    ) -> Mark:
        mark, tag = self._mark(event), self._tag(event, kind)
        if tag not in (TAG + "seq", TAG + "map"):
            self._refused(mark, path, _no_such_kind(tag), "leave the tag out")
        return mark

    def _scalar(self, event: ScalarEvent, path: SpecPath) -> Node:
        mark, tag, text = self._mark(event), self._tag(event, ScalarNode), str(event.value)
        if tag in TEXT_TAGS:
            return self._text(text, mark, path)
        if tag not in KINDS:
            return self._refused(mark, path, _no_such_kind(tag), "leave the tag out")
        try:
            return Node(self._value(tag, text, event), mark)
        except OverflowError:
            message = f"{shorten(text)!r} is larger than a whole number may be"
            hint = f"write one of at most {MAX_WHOLE}"
        except (ValueError, KeyError, IndexError):
            message, hint = f"{shorten(text)!r} is not {KINDS[tag]}", f"write {KINDS[tag]}"
        return self._refused(mark, path, message, hint)

    def _text(self, text: str, mark: Mark, path: SpecPath) -> Node:
        if flaw := flaw_of_text(text):
            return self._refused(mark, path, *flaw)
        return Node(text, mark)

    def _value(self, tag: str, text: str, event: ScalarEvent) -> Scalar:
        """Return the value of a scalar.

        Raises:
            OverflowError: if a whole number needs more than 64 bits.
            ValueError: if the text is not of the kind that its tag names.
        """
        if tag == TAG + "null":
            return None
        if tag == TAG + "bool":
            return bool(self._construct_scalar("bool", text, event))
        if tag == TAG + "int":
            # Length first: converting very long digits takes quadratic time.
            if len(text) > 80 or abs(self._construct_scalar("int", text, event)) > MAX_WHOLE:
                raise OverflowError
            return int(self._construct_scalar("int", text, event))
        number = float(self._construct_scalar("float", text, event))
        # Written as a float, but meant as a whole number.
        if EXPONENT.fullmatch(text) and number.is_integer() and abs(number) <= MAX_WHOLE:
            return int(number)  # 2e2 counts as 200 does
        return number

    def _construct_scalar(self, kind: str, text: str, event: ScalarEvent) -> Any:
        """A scalar's value, as ruamel reads it."""
        node = ScalarNode(TAG + kind, text, event.start_mark, event.end_mark)
        return getattr(self.yaml.constructor, f"construct_yaml_{kind}")(node)

    def _tag(self, event: Any, kind: type) -> str:
        tag = event.ctag
        # '!' names no type, so the value is resolved as if it had no tag.
        if tag is None or str(tag) == "!":
            tag = self.yaml.resolver.resolve(kind, getattr(event, "value", None), event.implicit)
        return str(tag)

    def _spend(self, values: int, mark: Mark, path: SpecPath) -> None:
        self.budget.values -= values
        # Checked before the value exists, so that memory stays bounded.
        if self.budget.values < 0:
            message = f"a spec has at most {MAX_VALUES:,} values, aliases and 'extends' counted"
            raise _BoundError(mark, path, message, "leave out what the run does not need")

    def _require_depth(self, depth: int, mark: Mark, path: SpecPath) -> None:
        if depth > MAX_DEPTH:
            message = f"mappings and lists are nested more than {MAX_DEPTH} deep"
            # The full path would be as deep as the nesting.
            raise _BoundError(mark, path[:4], message, "write it flatter")

    def _refused(self, mark: Mark, path: SpecPath, message: str, hint: str) -> Node:
        # The limit also bounds what a hostile text can make us collect.
        if len(self.problems) >= MAX_PROBLEMS:
            raise _BoundError(mark, path, "there are more problems from here on", "solve the first")
        self.problems.append(mark.problem(path, message, hint))
        return Node(None, mark)


def _compose_node(node: Node, below: list[_Composed]) -> _Composed:
    size = 1 + sum(child.size for child in below)
    return _Composed(node, size, 1 + max((child.depth for child in below), default=0))


def _no_such_kind(tag: str) -> str:
    return f"a spec has no values of the kind {shorten(tag.removeprefix(TAG))!r}"
