"""Spec files as nodes with positions: text, ``extends``, and all problems of both.

After ``extends`` every value still knows the file that it came from.
"""

import difflib
import errno
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

from safecompress_core.specfile.problems import LocatedProblem, SpecPath, shorten
from safecompress_core.specfile.shipped import find_shipped_specs
from safecompress_core.specfile.yaml.composer import Budget, parse
from safecompress_core.specfile.yaml.nodes import Mark, Node, merge
from safecompress_core.specfile.yaml.plain_values import (
    DICTIONARY,
    place_without_lines,
    to_nodes,
)

__all__ = ["SpecSource", "WrittenSpec", "read"]

WrittenSpec: TypeAlias = Path | Mapping[str, Any]
"""A spec before it is read: a file, or a dictionary as YAML would give it."""

MAX_BYTES = 2**20
"""The size of a file that a spec may have."""
MAX_FILES = 32
"""Files that may extend each other in a row."""

UTF_16 = (b"\xff\xfe", b"\xfe\xff")
"""The first bytes by which editors mark a text in UTF-16."""


@dataclass(slots=True)
class SpecSource:
    """Text of a spec as nodes, if it has any, and the problems of the text."""

    root: Node | None = None
    problems: list[LocatedProblem] = field(default_factory=list)


def read(
    spec: WrittenSpec, *, named_at: Mark | None = None, field_path: SpecPath = ()
) -> SpecSource:
    """Read a file or a dictionary and, beneath it, what it extends.

    Args:
        spec: the file or the dictionary.
        named_at: where another file names it, if one does; only a regular file may be named so.
        field_path: the field that names it there.

    Returns:
        Nodes and problems; ``root`` is None if a file is missing, is no YAML mapping, crosses a
        bound, or extends itself.
    """
    source = SpecSource()
    reader = _Reader(source.problems, is_named=named_at is not None)
    try:
        if isinstance(spec, Mapping):
            source.root = reader.dictionary(spec)
        else:
            source.root = reader.file(spec, named_at or Mark(str(spec), 1, 1), field_path)
    # Without arguments the problems were added before.
    except _RefusedError as refused:
        if refused.args:
            mark, where, message, hint = refused.args
            source.problems.append(mark.problem(where, message, hint))
    return source


class _RefusedError(Exception):
    """There is nothing to validate; carries place, path, rule and hint, unless reported before."""


@dataclass(slots=True)
class _Reader:
    """The files of one spec, laid over each other."""

    problems: list[LocatedProblem]
    is_named: bool
    budget: Budget = field(default_factory=Budget)
    chain: list[Path] = field(default_factory=list)
    """The files that were read so far, each of which extends the next."""

    def file(self, path: Path, named_at: Mark, field_path: SpecPath) -> Node:
        """A file laid over what it extends."""
        if path in self.chain:
            circle = " -> ".join(map(str, (*self.chain[self.chain.index(path) :], path)))
            message = f"the files extend each other in a circle: {circle}"
            raise _RefusedError(named_at, field_path, message, "take one 'extends' out")
        if len(self.chain) == MAX_FILES:
            message = f"more than {MAX_FILES} files extend each other"
            raise _RefusedError(named_at, field_path, message, "copy some of them into one")
        try:
            # A file named by another file must be regular; the user may name a pipe.
            content = _content(path, is_regular=self.is_named or bool(self.chain))
        except OSError as error:
            raise _RefusedError(named_at, field_path, *_unreadable(path, error)) from None
        self.chain.append(path)
        start = Mark(str(path), 1, 1)
        # One more byte than allowed was read, by which the size is recognised.
        if len(content) > MAX_BYTES:
            message = f"the file is larger than {MAX_BYTES:,} bytes, the most that a spec may have"
            raise _RefusedError(start, (), message, "name the spec, and not the data")
        # NUL among the first bytes: UTF-16 or UTF-32 without a byte order mark.
        if content.startswith(UTF_16) or b"\0" in content[:4]:
            hint = "save it as UTF-8; in PowerShell, with 'Out-File -Encoding utf8'"
            raise _RefusedError(start, (), "this is not YAML: the text is in UTF-16", hint)
        try:
            # utf-8-sig drops the byte order mark that editors write.
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise _RefusedError(*_undecodable(content, error.start, start)) from None
        return self._overlay(path, text, start)

    def _overlay(self, path: Path, text: str, start: Mark) -> Node:
        before = len(self.problems)
        root = parse(text, start=start, problems=self.problems, budget=self.budget)
        if root is None:
            if len(self.problems) > before:
                raise _RefusedError
            hint = "begin with 'version: 1', 'name', 'task' and 'method'"
            raise _RefusedError(start, (), "the file is empty", hint)
        if not isinstance(root.content, dict):
            message = f"a spec is a mapping of fields, and this is {_kind(root)}"
            raise _RefusedError(root.mark, (), message, "write fields as 'name: value'")
        return self._extended(path, root, has_problems=len(self.problems) > before)

    def dictionary(self, values: Mapping[str, Any]) -> Node:
        """Values of Python code laid over what they extend."""
        place = place_without_lines(str(DICTIONARY))
        root = to_nodes(values, place, self.problems)
        return self._extended(DICTIONARY, root, has_problems=bool(self.problems))

    def _extended(self, path: Path, root: Node, *, has_problems: bool) -> Node:
        """A mapping laid over the file that it extends, if it extends any."""
        assert isinstance(root.content, dict)  # both callers have checked it
        content = dict(root.content)
        # Removed, since it is no field of the spec.
        extends = content.pop("extends", None)
        own_root = replace(root, content=content)
        if extends is None:
            return own_root
        # The problem of its value has been reported already.
        if extends.content is None and has_problems:
            raise _RefusedError
        if not isinstance(extends.content, str) or not extends.content:
            mark = root.mark_of(("extends",))
            message = f"'extends' is the path of one file, and this is {_kind(extends)}"
            raise _RefusedError(mark, ("extends",), message, "write 'extends: ./base.yaml'")
        # Textual: symbolic links are followed when the file is opened.
        target = Path(os.path.normpath(path.parent / extends.content))
        return merge(self.file(target, extends.mark, ("extends",)), own_root)


def _content(path: Path, *, is_regular: bool) -> bytes:
    """The bytes of a file, and at most one more than a spec may have.

    Raises:
        OSError: if it cannot be read, or is a device or pipe where a regular file is wanted.
    """
    # A FIFO would block for ever. Folders pass, and fail in open() with a clear reason.
    if is_regular and not stat.S_ISREG(path.stat().st_mode) and not path.is_dir():
        raise OSError(errno.EINVAL, "it is a device or a pipe")
    with path.open("rb") as file:
        # Never more: /dev/zero has no end.
        return file.read(MAX_BYTES + 1)


def _undecodable(content: bytes, place: int, start: Mark) -> tuple[Mark, SpecPath, str, str]:
    """Describe the first byte that is no UTF-8: its place, the rule and what to do."""
    # Valid up to there, so decoding cannot fail.
    before = content[:place].decode("utf-8-sig")
    line = before.count("\n")
    mark = start.move(line, len(before) - before.rfind("\n") - 1)
    byte = content[place : place + 1]
    message = f"this is not YAML: the byte 0x{byte.hex()} is no UTF-8 text"
    # Latin-1 decodes any byte, and is what such files most often are.
    hint = f"save the file as UTF-8; in Latin-1 the byte is {byte.decode('latin-1')!r}"
    return mark, (), message, hint


def _unreadable(path: Path, error: OSError) -> tuple[str, str]:
    shown = shorten(str(path))
    if not isinstance(error, FileNotFoundError):
        return f"cannot read {shown!r}: {error.strerror}", "give the path of a readable file"
    # Both suffixes, .yaml and .yml.
    neighbours = sorted(file.name for file in path.parent.glob("*.y*ml"))
    near = difflib.get_close_matches(path.name, neighbours, n=1)
    ours = difflib.get_close_matches(path.with_suffix("").as_posix(), find_shipped_specs(), n=1)
    if near:
        hint = f"did you mean {str(path.parent / near[0])!r}?"
    elif ours:
        hint = f"check the path; {ours[0]!r} is a spec that comes with SafeCompress"
    else:
        hint = "check the path"
    return f"there is no file {shown!r}", hint


def _kind(node: Node) -> str:
    if isinstance(node.content, dict):
        return "a mapping"
    if isinstance(node.content, tuple):
        return "a list"
    return "empty" if node.content is None else f"{shorten(str(node.content))!r}"
