"""A command's argument that is a spec."""

import os
from pathlib import Path

import pytest

from safecompress_core.cli.spec_file import SpecFile


def test_a_file_is_taken_before_a_spec_that_ships(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the same name; without such a file the name leads to the one that ships."""
    monkeypatch.chdir(tmp_path)
    name = Path("specs", "multi_attack.yaml")

    ships = SpecFile().convert(str(name), None, None)
    name.parent.mkdir()
    name.touch()

    assert ships.is_file()
    assert ships.name == name.name
    assert ships != name
    assert SpecFile().convert(str(name), None, None) == name


def test_a_path_that_leads_nowhere_stays_as_it_was_typed() -> None:
    """The command then reports a missing file; the name need not be UTF-8."""
    assert SpecFile().convert("nowhere/mine.yaml", None, None) == Path("nowhere/mine.yaml")
    odd = SpecFile().convert(os.fsdecode(b"n\xe9.yaml"), None, None)
    assert os.fsencode(odd) == b"n\xe9.yaml"
