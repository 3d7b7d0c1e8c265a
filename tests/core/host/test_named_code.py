"""Code that a spec names: imported as it is now, from where the spec says."""

import sys
from pathlib import Path

import pytest

from safecompress_core.host.named_code import import_function
from safecompress_core.specfile.component_files import ExternalCode


def write(folder: Path, value: int) -> Path:
    """A module and another one that it imports."""
    folder.mkdir(exist_ok=True)
    (folder / "named_net.py").write_text("from named_part import value\ndef make(): return value")
    (folder / "named_part.py").write_text(f"value = {value}")
    return folder


def code(folder: Path | None) -> ExternalCode:
    """The function of that module, as a spec names it."""
    return ExternalCode(name="named_net:make", folder=None if folder is None else str(folder))


def test_the_same_name_in_another_folder_is_other_code(tmp_path: Path) -> None:
    """Python itself would hand out the module that it imported first."""
    one, two = write(tmp_path / "one", 1), write(tmp_path / "two", 2)

    found = [import_function(code(folder))() for folder in (one, two, one)]

    assert found == [1, 2, 1]


def test_code_that_was_changed_is_imported_again(tmp_path: Path) -> None:
    """Also what it imports itself, and within the second that bytecode cannot tell apart."""
    folder = write(tmp_path / "own", 1)
    assert import_function(code(folder))() == 1

    write(folder, 2)

    assert import_function(code(folder))() == 2
    assert not (folder / "__pycache__").exists()


def test_code_that_was_not_changed_is_imported_once(tmp_path: Path) -> None:
    """So that its classes stay the same."""
    folder = write(tmp_path / "own", 1)

    assert import_function(code(folder)) is import_function(code(folder))


def test_what_a_folder_had_is_not_found_without_it(tmp_path: Path) -> None:
    """The folder is looked in where it is named, and nowhere else."""
    import_function(code(write(tmp_path / "own", 1)))

    with pytest.raises(ModuleNotFoundError, match="named_net"):
        import_function(code(None))
    assert str(tmp_path / "own") not in sys.path
