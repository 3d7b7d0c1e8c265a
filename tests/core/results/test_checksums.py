"""The SHA-256 record of a run's files."""

import shutil
import subprocess
from pathlib import Path

import pytest

from safecompress_core.errors import RunDirectoryError
from safecompress_core.results.checksums import (
    is_finished,
    is_recorded,
    list_unrecorded,
    read_hashes,
    read_recorded,
    record_all_files,
    record_files,
)

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""SHA-256 of nothing (FIPS 180-4)."""


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A directory with some files and their record."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "empty.bin").touch()
    (tmp_path / "results.json").write_text("{}")
    (tmp_path / ".hidden").write_text("not counted")
    record_all_files(tmp_path)
    return tmp_path


def test_every_file_but_hidden_ones_is_recorded(run: Path) -> None:
    """With its path in the directory; the record itself is left out."""
    assert list(read_hashes(run)) == ["model/empty.bin", "results.json"]
    assert read_hashes(run)["model/empty.bin"] == EMPTY
    assert is_finished(run)
    assert list_unrecorded(run) == []


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="not on this system")
def test_sha256sum_reads_the_record(run: Path) -> None:
    """A run can be checked without SafeCompress."""
    command = ["sha256sum", "--check", "--strict", "SHA256SUMS"]

    subprocess.run(command, cwd=run, check=True, capture_output=True)


def test_a_changed_file_is_not_read(run: Path) -> None:
    """A file that differs from its hash is not part of the results."""
    assert read_recorded(run, "results.json") == b"{}"
    (run / "results.json").write_text('{"passed": true}')

    assert not is_recorded(run, "results.json")
    with pytest.raises(RunDirectoryError, match=r"results.json: was changed or damaged"):
        read_recorded(run, "results.json")


def test_a_file_that_comes_later_gets_a_line(run: Path) -> None:
    """Or a new one, if it is written again; the others stay."""
    before = read_hashes(run)
    (run / "report.html").write_text("page")
    assert list_unrecorded(run) == ["report.html"]

    record_files(run, ["report.html"])

    assert is_recorded(run, "report.html")
    assert read_hashes(run).items() > before.items()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[:-1], "its last line is cut off"),
        (lambda text: text.replace("results", "\\results"), "SHA256SUMS:2: is no SHA-256"),
        (lambda text: "x" + text, "SHA256SUMS:1: is no SHA-256"),
    ],
)
def test_a_damaged_record_is_told_with_its_line(run: Path, damage: object, message: str) -> None:
    """Nothing is taken from such a one."""
    assert callable(damage)
    record = run / "SHA256SUMS"
    record.write_text(damage(record.read_text()))

    with pytest.raises(RunDirectoryError, match=message):
        read_hashes(run)


def test_without_a_record_a_run_is_not_finished(run: Path) -> None:
    """It is the last thing that a run writes."""
    (run / "SHA256SUMS").unlink()

    assert not is_finished(run)
    with pytest.raises(RunDirectoryError, match="the run is not finished, or has lost this record"):
        read_hashes(run)
