"""``safecompress.validate``."""

from pathlib import Path

import pytest

from safecompress_core.errors import SafeCompressError
from safecompress_core.python.validate import validate


def test_a_valid_spec_has_no_problems(tiny_spec: Path) -> None:
    """By its path or its name, with overrides of both forms."""
    assert validate(tiny_spec) == []
    assert validate("multi_attack", overrides={"training.epochs": 2}) == []
    assert validate("multi_attack", overrides=["training.epochs=2"]) == []


def test_problems_have_the_parts_that_a_program_needs(tiny_spec: Path) -> None:
    """Place, field, rule and hint."""
    [problem] = validate(tiny_spec, overrides={"training.epochs": -1})

    assert (problem.file, problem.line, problem.path) == ("overrides", 0, "training.epochs")
    assert problem.message
    assert problem.hint


def test_a_file_that_is_not_there_is_a_problem() -> None:
    """As on the command line, not another kind of error."""
    [problem] = validate("no_such_spec.yaml")

    assert str(problem).startswith("no_such_spec.yaml:1:1: there is no file 'no_such_spec.yaml'")


def test_a_folder_of_plugins_has_to_be_there(tiny_spec: Path, tmp_path: Path) -> None:
    """It is the caller's mistake, not the spec's."""
    with pytest.raises(SafeCompressError, match="nowhere"):
        validate(tiny_spec, plugins_dir=tmp_path / "nowhere")
