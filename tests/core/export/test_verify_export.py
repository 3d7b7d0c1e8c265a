"""Verification of an export: a file that was changed since is found."""

import shutil
from pathlib import Path

import pytest

from safecompress_core.errors import RunDirectoryError
from safecompress_core.export.verify_export import is_export, read_export, verify_export
from safecompress_core.results.checksums import record_all_files, sha256
from safecompress_core.results.integrity import Status
from tests.core.fixtures.exports import export_record


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """An export of two files."""
    (tmp_path / "model.onnx").write_bytes(b"a graph")
    files = {"model.onnx": sha256(tmp_path / "model.onnx")}
    (tmp_path / "export.json").write_text(export_record(files=files).model_dump_json())
    record_all_files(tmp_path)
    return tmp_path


def damages(export: Path) -> list[str]:
    """The names of failed checks."""
    return [check.name for check in verify_export(export) if check.status is Status.DAMAGED]


def test_an_untouched_export_is_good(export: Path) -> None:
    """And is known by its record."""
    assert is_export(export)
    assert not is_export(export.parent)
    assert damages(export) == []
    assert read_export(export).format == "onnx-int8"


def test_a_changed_or_missing_file_is_found(export: Path) -> None:
    """By both records: one may be written anew by whoever has changed the file."""
    (export / "model.onnx").write_bytes(b"another graph")
    assert damages(export) == ["model.onnx", "model.onnx"]

    record_all_files(export)
    assert damages(export) == ["model.onnx"]

    (export / "model.onnx").unlink()
    assert damages(export) == ["model.onnx", "model.onnx"]


def test_a_changed_record_is_found(export: Path) -> None:
    """Nothing is compared with it then."""
    text = (export / "export.json").read_text()
    (export / "export.json").write_text(text.replace('"agreement":0.99', '"agreement":1.0'))
    assert damages(export) == ["export.json"]

    (export / "export.json").write_text(text.replace('"tiny"', "1"))
    record_all_files(export)
    assert damages(export) == ["export.json"]
    with pytest.raises(RunDirectoryError, match="name: Input should be a valid string"):
        read_export(export)


def test_a_file_that_was_added_is_a_warning(export: Path) -> None:
    """It is no damage."""
    shutil.copy(export / "model.onnx", export / "copy.onnx")

    assert damages(export) == []
    assert any(check.status is Status.WARNING for check in verify_export(export))
