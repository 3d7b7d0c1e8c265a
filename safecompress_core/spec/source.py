"""YAML files as nodes with positions: YAML 1.2 through ruamel, ``extends``, and all complaints.

Decisions:

- Files are composed, not constructed: the node graph has the place of every key and value, also
  of what an anchor or a merge key brings in, and shows all duplicate keys rather than the first.
- A spec has strings, numbers, booleans, null, lists and mappings. A date stays the text it is;
  any other tag is a problem.
- After ``extends`` every value still knows the file that it came from.
"""

import difflib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.nodes import Node as YamlNode

from safecompress_core.spec.nodes import Mark, Node, merged
from safecompress_core.spec.problems import Problem, SpecPath

__all__ = ["Source", "parse", "read"]

TAG = "tag:yaml.org,2002:"
_LATTER = {"but found another document"}
TEXT_TAGS = {TAG + "str", TAG + "timestamp"}


@dataclass(slots=True)
class Source:
    """What was read: the nodes, where there are any, and what was wrong with the text."""

    root: Node | None = None
    problems: list[Problem] = field(default_factory=list)


def read(path: Path) -> Source:
    """A file and, beneath it, what it extends.

    ``root`` is None where a file is missing, is no YAML mapping, or extends itself.
    """
    source = Source()
    source.root = _read_file(path, Mark(str(path), 1, 1), (), source.problems)
    return source


def parse(text: str, *, start: Mark, problems: list[Problem]) -> Node | None:
    """One YAML document as nodes.

    Args:
        text: the document.
        start: where its first character stands.
        problems: gains what is wrong with the text.

    Returns:
        The document's value; None if it is empty or no YAML.
    """
    yaml = YAML(typ="safe", pure=True)
    try:
        document = yaml.compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = start if mark is None else _shifted(start, mark.line, mark.column)
        parts = [error.context, error.problem] if error.problem in _LATTER else [error.problem]
        reason = " ".join(" ".join(filter(None, parts)).split())
        problems.append(place.problem((), f"this is not YAML: {reason}", "mend it there or before"))
        return None
    except YAMLError as error:
        reason = str(error).splitlines()[0]
        problems.append(start.problem((), f"this is not YAML: {reason}", "save it as plain text"))
        return None
    return None if document is None else _Conversion(yaml, start, problems).node(document, ())


def _shifted(start: Mark, line: int, column: int) -> Mark:
    return Mark(start.file, start.line + line, column + (start.column if line == 0 else 1))


@dataclass(slots=True)
class _Conversion:
    """ruamel's nodes into ours, for one document."""

    yaml: YAML
    start: Mark
    problems: list[Problem]
    open: list[int] = field(default_factory=list)

    def mark(self, node: YamlNode) -> Mark:
        return _shifted(self.start, node.start_mark.line, node.start_mark.column)

    def node(self, node: YamlNode, path: SpecPath) -> Node:
        if id(node) in self.open:
            message, mend = "this alias stands inside what it repeats", "write the value out"
            return self._refused(node, path, message, mend)
        self.open.append(id(node))
        try:
            if isinstance(node, MappingNode):
                return self._mapping(node, path)
            if isinstance(node, SequenceNode):
                items = (self.node(item, (*path, place)) for place, item in enumerate(node.value))
                return Node(tuple(items), self.mark(node))
            assert isinstance(node, ScalarNode)
            return self._scalar(node, path)
        finally:
            self.open.pop()

    def _mapping(self, node: MappingNode, path: SpecPath) -> Node:
        own: dict[str, Node] = {}
        inherited: dict[str, Node] = {}
        for key, value in node.value:
            if key.tag == TAG + "merge":
                for name, below in self._inherited(value, path).items():
                    inherited.setdefault(name, below)
                continue
            if not (isinstance(key, ScalarNode) and key.tag in TEXT_TAGS):
                text = key.value if isinstance(key, ScalarNode) else "..."
                self._refused(key, path, f"the key {text} is no text", "put it in quotes")
                continue
            name = key.value
            if name in own:
                first = own[name].key
                where = f" (first on line {first.line})" if first else ""
                message = f"the key {name!r} is given twice{where}"
                self._refused(key, (*path, name), message, "keep one of them")
            own[name] = replace(self.node(value, (*path, name)), key=self.mark(key))
        return Node(inherited | own, self.mark(node))

    def _inherited(self, node: YamlNode, path: SpecPath) -> dict[str, Node]:
        """What ``<<: *anchor`` brings; of several mappings the first that has a key wins."""
        parts = node.value if isinstance(node, SequenceNode) else [node]
        found: dict[str, Node] = {}
        for part in parts:
            content = self.node(part, path).content
            if isinstance(content, dict):
                found = content | found
            else:
                self._refused(part, path, "'<<' merges mappings only", "name an anchored mapping")
        return found

    def _scalar(self, node: ScalarNode, path: SpecPath) -> Node:
        constructor = self.yaml.constructor
        mark = self.mark(node)
        if node.tag in TEXT_TAGS:
            return Node(str(node.value), mark)
        if node.tag == TAG + "null":
            return Node(None, mark)
        if node.tag == TAG + "bool":
            return Node(bool(constructor.construct_yaml_bool(node)), mark)
        if node.tag == TAG + "int":
            return Node(int(constructor.construct_yaml_int(node)), mark)
        if node.tag == TAG + "float":
            return Node(float(constructor.construct_yaml_float(node)), mark)
        message = f"a spec has no values of the kind {str(node.tag).removeprefix(TAG)!r}"
        return self._refused(node, path, message, "leave the tag out")

    def _refused(self, node: YamlNode, path: SpecPath, message: str, mend: str) -> Node:
        mark = self.mark(node)
        self.problems.append(mark.problem(path, message, mend))
        return Node(None, mark)


def _read_file(
    path: Path, named_at: Mark, chain: Sequence[Path], problems: list[Problem]
) -> Node | None:
    """A file laid over what it extends; ``chain`` has the files that led here."""
    field_path: SpecPath = ("extends",) if chain else ()
    if path in chain:
        circle = " -> ".join(map(str, (*chain[chain.index(path) :], path)))
        message = f"the files extend each other in a circle: {circle}"
        problems.append(named_at.problem(field_path, message, "take one 'extends' out"))
        return None
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        message, mend = "this is not YAML: it is no UTF-8 text", "save it as plain UTF-8 text"
        problems.append(Mark(str(path), 1, 1).problem((), message, mend))
        return None
    except OSError as error:
        message, mend = _unreadable(path, error)
        problems.append(named_at.problem(field_path, message, mend))
        return None
    start = Mark(str(path), 1, 1)
    before = len(problems)
    root = parse(text, start=start, problems=problems)
    if root is None:
        if len(problems) == before:
            mend = "begin with 'version: 1', 'name', 'task' and 'method'"
            problems.append(start.problem((), "the file is empty", mend))
        return None
    if not isinstance(root.content, dict):
        message = f"a spec is a mapping of fields, and this is {_kind(root)}"
        problems.append(root.mark.problem((), message, "write fields as 'name: value'"))
        return None
    return _extended(path, root, chain, problems)


def _extended(
    path: Path, root: Node, chain: Sequence[Path], problems: list[Problem]
) -> Node | None:
    assert isinstance(root.content, dict)
    content = dict(root.content)
    extends = content.pop("extends", None)
    own = replace(root, content=content)
    if extends is None:
        return own
    if not isinstance(extends.content, str) or not extends.content:
        mark = root.mark_of(("extends",))
        message = f"'extends' is the path of one file, and this is {_kind(extends)}"
        problems.append(mark.problem(("extends",), message, "write 'extends: ./base.yaml'"))
        return None
    target = Path(os.path.normpath(path.parent / extends.content))
    base = _read_file(target, extends.mark, (*chain, path), problems)
    return None if base is None else merged(base, own)


def _unreadable(path: Path, error: OSError) -> tuple[str, str]:
    if not isinstance(error, FileNotFoundError):
        return f"cannot read {str(path)!r}: {error.strerror}", "give the path of a readable file"
    beside = sorted(file.name for file in path.parent.glob("*.y*ml"))
    near = difflib.get_close_matches(path.name, beside, n=1)
    mend = f"did you mean {str(path.parent / near[0])!r}?" if near else "check the path"
    return f"there is no file {str(path)!r}", mend


def _kind(node: Node) -> str:
    if isinstance(node.content, dict):
        return "a mapping"
    if isinstance(node.content, tuple):
        return "a list"
    return "empty" if node.content is None else f"{node.content!r}"
