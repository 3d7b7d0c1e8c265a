"""Integrity of a finished run's files."""

import shutil
from pathlib import Path

import pytest

from safecompress_core.results.checksums import record_all_files, record_files
from safecompress_core.results.integrity import Status, check_recorded_files


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run with a checkpoint."""
    (tmp_path / "checkpoints").mkdir()
    for name in ("results.json", "report.html", "checkpoints/a", "checkpoints/b"):
        (tmp_path / name).write_text(name)
    record_all_files(tmp_path)
    return tmp_path


def found(run: Path) -> list[tuple[str, str]]:
    """Names and statuses of all checks."""
    return [(check.name, str(check.status)) for check in check_recorded_files(run)]


def test_untouched_files_are_one_good_check(run: Path) -> None:
    """With their number."""
    [check] = check_recorded_files(run)

    assert check.status is Status.OK
    assert check.message == "4 files are as they were recorded"


def test_changed_and_missing_files_are_named(run: Path) -> None:
    """And there is no good check then."""
    (run / "results.json").write_text("other")
    (run / "report.html").unlink()

    assert found(run) == [("report.html", "damaged"), ("results.json", "damaged")]


def test_whole_folders_that_nothing_needs_may_be_deleted(run: Path) -> None:
    """A single file of one may not: it would be needed to go on."""
    (run / "checkpoints" / "a").unlink()
    assert found(run) == [("checkpoints/a", "damaged")]

    shutil.rmtree(run / "checkpoints")
    [check] = check_recorded_files(run)
    assert check.status is Status.WARNING
    assert check.message.startswith("2 files of checkpoints and references were deleted")


def test_a_file_that_the_run_has_not_written_is_a_warning(run: Path) -> None:
    """Until it is recorded."""
    (run / "notes.txt").write_text("mine")

    assert ("notes.txt", "warning") in found(run)
    record_files(run, ["notes.txt"])
    assert found(run) == [("SHA256SUMS", "ok")]


def test_results_without_a_line_are_damaged(run: Path) -> None:
    """Deleting a file's line must not exclude the file from verification."""
    record = run / "SHA256SUMS"
    lines = record.read_text().splitlines(keepends=True)
    record.write_text("".join(line for line in lines if "results.json" not in line))

    assert ("results.json", "damaged") in found(run)
