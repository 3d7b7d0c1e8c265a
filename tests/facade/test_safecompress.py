"""Public names of ``import safecompress``."""

import inspect
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import safecompress as sc
from safecompress_core import host
from safecompress_core.version import installed_version

needs_torch = pytest.mark.skipif(
    find_spec("torch") is None, reason="the façade also exports what reads model files"
)


def run_python(*arguments: str) -> str:
    """Standard output of a fresh interpreter."""
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@needs_torch
def test_all_is_sorted_and_exists() -> None:
    """``__all__`` is the public interface: in order, without repeats, nothing missing."""
    assert sc.__all__ == sorted(set(sc.__all__))
    assert [name for name in sc.__all__ if not hasattr(sc, name)] == []


@needs_torch
def test_every_public_name_has_a_docstring_of_its_own() -> None:
    """``help(safecompress.NAME)`` explains each of them."""
    names = [name for name in sc.__all__ if name != "__version__"]

    assert [name for name in names if not inspect.getdoc(getattr(sc, name))] == []


def test_every_public_name_is_documented() -> None:
    """The page about Python has a row for each."""
    page = (Path(__file__).parents[2] / "docs" / "python.md").read_text("utf-8")
    names = [name for name in sc.__all__ if name != "__version__"]

    assert [name for name in names if f"| `{name}` |" not in page] == []


def test_importing_it_loads_nothing_else() -> None:
    """Neither pydantic nor plugins nor torch: names are imported on first use."""
    loaded = set(run_python("-c", "import safecompress, sys\nprint(*sys.modules)").split())

    assert not {"pydantic", "pluggy", "importlib.metadata", "numpy", "torch"} & loaded


def test_a_name_is_the_very_object_of_its_module() -> None:
    """The façade defines nothing itself, and an unknown name is an AttributeError."""
    assert sc.load_plugins is host.load_plugins
    assert sc.__version__ == installed_version()
    assert "load_plugins" in dir(sc)
    with pytest.raises(AttributeError, match="no attribute 'load_everything'"):
        _ = sc.load_everything


def test_python_m_safecompress_is_the_command_line() -> None:
    """It prints the same version as the command."""
    assert run_python("-m", "safecompress", "--version") == f"safecompress {installed_version()}\n"
