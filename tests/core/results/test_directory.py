"""The run directory: written as a whole, by one process at a time."""

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from safecompress_core.errors import RunDirectoryError, RunInUseError, WriteError
from safecompress_core.results.directory import (
    RunDirectory,
    read_json,
    write_json,
    write_yaml,
)

HOLD = """
import sys
from pathlib import Path
from safecompress_core.results.directory import RunDirectory
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
    """A file has the name of the folder."""
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

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WriteError, match=r"results\.json: cannot be written: No space left"):
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
    """A long event with a line break too."""
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


def mode(path: Path) -> int:
    """Return permissions of a file or directory."""
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(("umask", "expected"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_files_follow_the_umask_and_the_directory_is_private(
    tmp_path: Path, umask: int, expected: int
) -> None:
    """Opening the directory to others opens its files as well."""
    run = tmp_path / "runs" / "mine"
    before = os.umask(umask)
    try:
        with RunDirectory(run) as directory:
            write_json(directory.results, {})
            directory.log({"event": "first"})
    finally:
        os.umask(before)

    assert mode(run) == 0o700
    assert mode(run.parent) == 0o777 & ~umask
    assert {mode(run / name) for name in ("results.json", "events.jsonl")} == {expected}


def test_a_directory_that_was_opened_to_others_stays_open(tmp_path: Path) -> None:
    """Resuming the run keeps the directory's permissions."""
    run = tmp_path / "mine"
    with RunDirectory(run):
        run.chmod(0o755)
    with RunDirectory(run):
        pass

    assert mode(run) == 0o755


def test_what_a_killed_process_has_left_half_written_is_removed(tmp_path: Path) -> None:
    """Temporary files and working folders go; complete files stay."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / ".model.safetensors.77-ab.partial").write_text("ha")
    (tmp_path / ".key.77-ab.partial" / "checkpoints").mkdir(parents=True)
    (tmp_path / "model" / "model.safetensors").write_text("whole")

    with RunDirectory(tmp_path):
        pass

    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
    assert left - {".lock"} == {"model", "model/model.safetensors"}


@pytest.mark.parametrize("name", ["events.jsonl", "checkpoints", "results.json", ".lock"])
def test_a_symbolic_link_out_of_the_directory_is_refused(tmp_path: Path, name: str) -> None:
    """The target of the link stays unchanged."""
    run, outside = tmp_path / "mine", tmp_path / "outside"
    run.mkdir()
    outside.write_text("precious")
    (run / name).symlink_to(outside)

    with (
        pytest.raises(RunDirectoryError, match=rf"{name}: is a symbolic link to .*outside, out of"),
        RunDirectory(run),
    ):
        pass

    assert outside.read_text() == "precious"


def test_a_link_that_comes_later_is_not_followed_either(tmp_path: Path) -> None:
    """Only the log is appended to; other files are replaced."""
    run, outside = tmp_path / "mine", tmp_path / "outside"
    outside.write_text("precious")
    with RunDirectory(run) as directory:
        (run / "events.jsonl").symlink_to(outside)
        (run / "results.json").symlink_to(outside)
        with pytest.raises(WriteError, match=r"events\.jsonl: cannot be written: Too many levels"):
            directory.log({"event": "first"})
        write_json(directory.results, {})

    assert outside.read_text() == "precious"
    assert not (run / "results.json").is_symlink()


@pytest.mark.parametrize("comes_back", [False, True])
def test_a_directory_that_is_removed_meanwhile_is_told(tmp_path: Path, comes_back: bool) -> None:
    """A new directory with half of a run would look like a complete run."""
    run = tmp_path / "mine"
    with RunDirectory(run) as directory:
        directory.log({"event": "first"})
        shutil.rmtree(run)
        if comes_back:
            write_json(directory.checkpoints / "record.json", {})
        for use in (lambda: directory.log({"event": "second"}), directory.record_all_files):
            with pytest.raises(RunDirectoryError, match="was removed while the run was at work"):
                use()

    assert not (run / "events.jsonl").exists()


def test_an_event_that_does_not_fit_on_the_disk_leaves_no_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next attempt appends, and the log would have a broken line in it."""
    write, room = os.write, [30]

    def full(handle: int, content: bytes) -> int:
        if not room[0]:
            raise OSError(28, "No space left on device")
        written = write(handle, content[: room[0]])
        room[0] -= written
        return written

    with RunDirectory(tmp_path / "mine") as directory:
        directory.log({"event": "first"})
        monkeypatch.setattr(os, "write", full)
        with pytest.raises(WriteError, match=r"events\.jsonl: cannot be written: No space left"):
            directory.log({"event": "second", "more": "x" * 100})
        monkeypatch.undo()

    assert (tmp_path / "mine" / "events.jsonl").read_text() == '{"event": "first"}\n'
