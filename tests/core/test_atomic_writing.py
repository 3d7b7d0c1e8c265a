"""Atomic writing of files."""

import os
import re
from pathlib import Path

import pytest

import safecompress_core
import safecompress_plugins
from safecompress_core.atomic_writing import (
    append_line,
    sweep,
    write_bytes,
    write_new,
)
from safecompress_core.errors import WriteError

WRITES = re.compile(
    r"\.write_text\(|\.write_bytes\(|open\([^)]*[\"'][wax+]|O_WRONLY|O_RDWR|mkstemp|NamedTemporary"
    r"|save_file\(|(?<!\.)torch\.save\(|np\.savez?\(|json\.dump\(|os\.(rename|replace)\("
)
"""Lines that write a file."""


def full(*_: object) -> None:
    """Stand for a full disk."""
    raise OSError(28, "No space left on device")


def test_no_other_module_writes_files() -> None:
    """The conformance tests alone write their inputs; text and the null device are no files."""
    places = [Path(package.__path__[0]) for package in (safecompress_core, safecompress_plugins)]
    writers = {
        str(module.relative_to(place))
        for place in places
        for module in place.rglob("*.py")
        for line in module.read_text(encoding="utf-8").splitlines()
        if WRITES.search(line) and not line.lstrip().startswith('"') and "devnull" not in line
    }

    assert {name for name in writers if not name.startswith("testing/")} == {"atomic_writing.py"}


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    """Folders are made, and nothing unfinished is left."""
    path = tmp_path / "new" / "file"

    write_bytes(path, b"old")
    write_bytes(path, b"new")

    assert path.read_bytes() == b"new"
    assert list(path.parent.iterdir()) == [path]


def test_a_new_file_replaces_nothing(tmp_path: Path) -> None:
    """Not even what a dangling symbolic link would lead to."""
    path, link = tmp_path / "new" / "file", tmp_path / "link"
    link.symlink_to(tmp_path / "nowhere")
    write_new(path, b"first")

    for taken in (path, link):
        with pytest.raises(FileExistsError):
            write_new(taken, b"second")

    assert path.read_bytes() == b"first"
    assert not (tmp_path / "nowhere").exists()


def test_a_new_file_is_there_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that was claimed is given back, and a file is no folder."""
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(WriteError, match="cannot be written: No space left"):
            write_new(tmp_path / "file", b"content")
    assert list(tmp_path.iterdir()) == []

    write_new(tmp_path / "file", b"content")
    with pytest.raises(WriteError, match="file/inner: cannot be written"):
        write_new(tmp_path / "file" / "inner", b"content")


def test_a_log_grows_by_lines(tmp_path: Path) -> None:
    """It is made when it is first written to."""
    for line in (b"one\n", b"two\n"):
        append_line(tmp_path / "log", line)

    assert (tmp_path / "log").read_bytes() == b"one\ntwo\n"


def test_what_a_killed_process_left_is_swept(tmp_path: Path) -> None:
    """Files and folders, wherever they are; nothing else."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / ".file.1-ab.partial").touch()
    (tmp_path / ".folder.1-ab.partial").mkdir()
    (tmp_path / "in" / "kept").touch()

    sweep(tmp_path)

    assert sorted(path.name for path in tmp_path.rglob("*")) == ["in", "kept"]
