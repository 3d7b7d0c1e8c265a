"""Folder that is there when it is complete."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from safecompress_core.errors import WriteError
from safecompress_core.export.new_folder import new_folder

FILL = """
import sys, time
from pathlib import Path
from safecompress_core.export.new_folder import new_folder
with new_folder(Path(sys.argv[1])) as place:
    (place / "half").write_text("a model")
    print("filling", flush=True)
    time.sleep(60)
"""


def test_a_folder_appears_when_it_is_complete(tmp_path: Path) -> None:
    """Its parents are made; while it is filled it has another name."""
    path = tmp_path / "new" / "folder"

    with new_folder(path) as place:
        (place / "file").write_text("content")
        assert not path.exists()

    assert (path / "file").read_text() == "content"
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_that_was_not_completed_leaves_nothing(tmp_path: Path) -> None:
    """Whatever was raised, and the error is not changed."""

    def interrupted() -> None:
        with new_folder(tmp_path / "folder") as place:
            (place / "file").write_text("content")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert list(tmp_path.iterdir()) == []


def test_a_folder_replaces_nothing(tmp_path: Path) -> None:
    """Neither what was there nor what has come meanwhile."""
    path = tmp_path / "folder"
    path.mkdir()
    with pytest.raises(FileExistsError), new_folder(path):
        raise AssertionError
    path.rmdir()

    def outrun() -> None:
        with new_folder(path) as place:
            (place / "file").write_text("mine")
            path.mkdir()

    with pytest.raises(FileExistsError):
        outrun()

    assert list(tmp_path.rglob("*")) == [path]


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path: Path) -> None:
    """With the reason."""
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(WriteError, match="cannot be made: "), new_folder(tmp_path / "file" / "new"):
        raise AssertionError


@pytest.mark.slow
def test_what_a_killed_attempt_left_is_removed_by_the_next(tmp_path: Path) -> None:
    """Its own name alone, and nothing that a living process is at."""
    command = [sys.executable, "-c", FILL, str(tmp_path / "export")]
    attempts = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        for attempt in attempts:
            assert attempt.stdout is not None
            assert attempt.stdout.readline() == "filling\n"
        killed, alive = attempts
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
        other = tmp_path / f".another.{killed.pid}-0123abcd.partial"
        other.mkdir()

        with new_folder(tmp_path / "export") as place:
            (place / "whole").write_text("a model")

        left = {path.name for path in tmp_path.iterdir()} - {"export", other.name}
        assert {name.split(".")[2].partition("-")[0] for name in left} == {str(alive.pid)}
        assert [path.name for path in (tmp_path / "export").iterdir()] == ["whole"]
    finally:
        for attempt in attempts:
            attempt.kill()
            attempt.communicate()
