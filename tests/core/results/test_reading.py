"""Results are read as they were written, or refused with the field and the writer."""

import json
from pathlib import Path
from typing import Any

import pytest

from safecompress_core.errors import RunDirectoryError
from safecompress_core.results.checksums import record_all_files
from safecompress_core.results.reading import ResultsShapeError, read_results
from tests.core.fixtures.results import run_results


def written(run: Path, **changes: Any) -> Path:
    """A run directory with such results."""
    (run / "results.json").write_text(json.dumps(run_results().to_json() | changes))
    environment = {"packages": {"safecompress": "0.0.7"}}
    (run / "environment.json").write_text(json.dumps(environment))
    record_all_files(run)
    return run


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """Every key, and no other."""
    assert read_results(written(tmp_path)) == run_results()


def test_another_version_is_refused(tmp_path: Path) -> None:
    """With the version that wrote it."""
    with pytest.raises(RunDirectoryError) as caught:
        read_results(written(tmp_path, version=2))

    assert str(caught.value) == (
        f"{tmp_path}/results.json: version: its results have version 2, this SafeCompress reads "
        "version 1; it was written by SafeCompress 0.0.7: run again, or use that version"
    )


def test_another_shape_is_refused_with_the_field(tmp_path: Path) -> None:
    """A key that is missing, and one that is unknown."""
    content = run_results().to_json()
    seconds = {"totl": content["seconds"]["total"], "audit": 1.0}

    with pytest.raises(ResultsShapeError) as caught:
        read_results(written(tmp_path, seconds=seconds))

    assert str(caught.value) == (
        f"{tmp_path}/results.json: seconds.total: Field required; seconds.totl: Extra inputs are "
        "not permitted; it was written by SafeCompress 0.0.7: run again, or use that version"
    )


def test_without_a_record_of_the_writer_the_message_names_none(tmp_path: Path) -> None:
    """The directory may have lost it."""
    run = written(tmp_path, version=0)
    (run / "environment.json").unlink()

    with pytest.raises(RunDirectoryError, match="written by another SafeCompress"):
        read_results(run)


def test_what_is_no_json_is_refused(tmp_path: Path) -> None:
    """Though the record of files fits."""
    (tmp_path / "results.json").write_text("{")
    record_all_files(tmp_path)

    with pytest.raises(RunDirectoryError, match=r"results\.json: not JSON"):
        read_results(tmp_path)
