"""Files of a unit on their way to another folder and back."""

from pathlib import Path
from types import ModuleType

from safecompress_core.execution.transfer import (
    files_to_send,
    find_changes,
    plugin_files,
    sha256_of,
    take_changes,
    unpack,
)


def test_a_unit_gets_what_it_reads_and_nothing_that_is_not_complete(
    stand_ins: ModuleType, tmp_path: Path
) -> None:
    """Locks and unfinished files are hidden ones."""
    for name in ("shared/a/0", "shared/a/record", "shared/.a.partial", ".lock", "runs/x/results"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    unit = stand_ins.Writes(
        label="a", folder=tmp_path, name="a", asked=("shared/**/*", "*", "shared/a/*")
    )

    sent = [path.relative_to(tmp_path).as_posix() for path in files_to_send(unit)]

    assert sent == ["shared/a/0", "shared/a/record"]


def test_changes_are_what_is_new_what_differs_and_what_is_gone(tmp_path: Path) -> None:
    """What is as it was sent is not sent back."""
    sent = unpack([("a/same", b"1"), ("a/other", b"2"), ("gone", b"3")], tmp_path)
    assert sent["a/same"] == sha256_of(b"1")
    (tmp_path / "a" / "other").write_bytes(b"20")
    (tmp_path / "gone").unlink()
    (tmp_path / "new").write_bytes(b"4")
    (tmp_path / ".lock").write_bytes(b"")

    changes = find_changes(tmp_path, sent)

    assert changes.written == {"a/other": b"20", "new": b"4"}
    assert changes.removed == ("gone",)


def test_the_mark_of_a_unit_is_written_last(stand_ins: ModuleType, tmp_path: Path) -> None:
    """Killed before, the unit is not done, whatever else is there."""
    unit = stand_ins.Writes(label="a", folder=tmp_path, name="a")
    (tmp_path / "old").write_bytes(b"")
    elsewhere = tmp_path / "elsewhere"
    unpack([("a/mark", b"1"), ("z", b"2"), ("a/pid", b"3")], elsewhere)
    written: list[str] = []

    take_changes(
        find_changes(elsewhere, {"old": sha256_of(b"")}),
        unit,
        write=lambda path, _: written.append(path.relative_to(tmp_path).as_posix()),
    )

    assert written == ["a/pid", "z", "a/mark"]
    assert not (tmp_path / "old").exists()


def test_single_file_plugins_are_sent_as_well(stand_ins: ModuleType, tmp_path: Path) -> None:
    """A worker has none of its own."""
    (tmp_path / "one.py").touch()
    (tmp_path / "notes.txt").touch()
    unit = stand_ins.Writes(label="a", folder=tmp_path, name="a", plugins_dir=tmp_path)

    assert plugin_files(unit) == (tmp_path / "one.py",)
    assert plugin_files(stand_ins.Writes(label="a", folder=tmp_path, name="a")) == ()
