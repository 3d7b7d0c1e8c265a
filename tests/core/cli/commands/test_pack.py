"""``safecompress pack``."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from safecompress_core.cli import cli
from safecompress_core.saved_models.storage import load_model

pytest.importorskip("constriction")
pytest.importorskip("zstandard")


def packed(model: Path, output: Path) -> Result:
    """The outcome of ``safecompress pack``."""
    return CliRunner().invoke(cli, ["pack", str(model), "--output", str(output)])


def test_a_run_is_packed_and_its_model_comes_back(finished_run: Path, tmp_path: Path) -> None:
    """The chosen one; other commands read it like any model file."""
    output = tmp_path / "small.safetensors.zst"
    original = finished_run / "model" / "model.safetensors"

    outcome = packed(finished_run, output)

    assert outcome.exit_code == 0
    assert output.stat().st_size < original.stat().st_size
    assert load_model(output).topology == load_model(original).topology
    shown = CliRunner().invoke(cli, ["inspect", str(output)])
    assert shown.exit_code == 0
    assert "model: type mlp" in shown.stdout


def test_a_file_that_exists_is_kept(finished_run: Path, tmp_path: Path) -> None:
    """Whatever it is."""
    output = tmp_path / "precious"
    output.write_text("mine")

    outcome = packed(finished_run, output)

    assert outcome.exit_code == 2
    assert "exists already" in outcome.stderr
    assert output.read_text() == "mine"


def test_a_compact_file_is_not_packed_again(finished_run: Path, tmp_path: Path) -> None:
    """It would be no smaller."""
    packed(finished_run, tmp_path / "once.zst")

    outcome = packed(tmp_path / "once.zst", tmp_path / "twice.zst")

    assert outcome.exit_code == 2
    assert "once.zst: is compact already" in outcome.stderr


def test_what_is_no_model_leaves_nothing(tmp_path: Path) -> None:
    """Not even an empty file."""
    (tmp_path / "model.safetensors").write_text("no model")

    outcome = packed(tmp_path / "model.safetensors", tmp_path / "small.zst")

    assert outcome.exit_code == 2
    assert not (tmp_path / "small.zst").exists()
