"""What a run leaves behind is written whole, by one process at a time."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from safecompress_core.engine import run_directory
from safecompress_core.engine.run_directory import (
    RunDirectory,
    read_json,
    write_json,
    write_yaml,
)
from safecompress_core.errors import RunDirectoryError, RunInUseError

HOLD = """
import sys
from pathlib import Path
from safecompress_core.engine.run_directory import RunDirectory
with RunDirectory(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_told_that_the_directory_is_in_use(tmp_path: Path) -> None:
    """And what to do; it is free again when the first one is gone, even killed."""
    run = tmp_path / "runs" / "mine-12345678"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(run)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(RunInUseError) as caught, RunDirectory(run):
            pass
        other.kill()

    assert str(caught.value) == (
        f"{run}: another process is running here; wait for it, or give this run a place of its "
        "own with --runs-dir"
    )
    with RunDirectory(run) as held:
        assert held.path == run


def test_a_place_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "runs").write_text("in the way")

    with (
        pytest.raises(RunDirectoryError, match=r"runs/mine: Not a directory"),
        RunDirectory(tmp_path / "runs" / "mine"),
    ):
        pass


def test_a_failed_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk gives up while the new content is synced."""
    path = tmp_path / "results.json"
    write_json(path, {"a": 1})

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run_directory.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_json(path, {"a": 2})

    assert read_json(path) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_json_is_strict_and_readable(tmp_path: Path) -> None:
    """No NaN that other readers refuse; signs as they are."""
    write_json(tmp_path / "new" / "a.json", {"name": "× λ", "values": [1.5, None]})

    text = (tmp_path / "new" / "a.json").read_text(encoding="utf-8")
    assert text == '{\n  "name": "× λ",\n  "values": [\n    1.5,\n    null\n  ]\n}\n'
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "b.json", {"value": float("nan")})
    assert not (tmp_path / "b.json").exists()


def test_yaml_keeps_small_numbers_as_numbers(tmp_path: Path) -> None:
    """1e-05 is no word."""
    from ruamel.yaml import YAML

    content = {"training": {"learning_rate": 1e-05, "name": "1e-05", "hidden": [3, 4]}}
    write_yaml(tmp_path / "spec.yaml", content)

    assert YAML(typ="safe").load(tmp_path / "spec.yaml") == content


def test_each_event_is_one_line(tmp_path: Path) -> None:
    """Appended, in one piece however long it is."""
    long = "x" * 100_000
    with RunDirectory(tmp_path) as directory:
        directory.log({"event": "first", "text": f"{long}\n×"})
        directory.log({"event": "second"})

    lines = (tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["first", "second"]
    assert json.loads(lines[0])["text"] == f"{long}\n×"


def test_what_is_no_finished_run_is_an_error(tmp_path: Path) -> None:
    """Missing results, or results that something else wrote."""
    with pytest.raises(RunDirectoryError, match="no such file; is this a finished run?"):
        read_json(tmp_path / "results.json")
    (tmp_path / "results.json").write_text("{half")
    with pytest.raises(RunDirectoryError, match="results.json: not JSON"):
        read_json(tmp_path / "results.json")
