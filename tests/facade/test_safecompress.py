"""Public names of ``import safecompress``."""

import inspect
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import safecompress as sc
from safecompress_core import host
from safecompress_core.python import validate as validate_module
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


def test_a_spec_is_validated_without_torch() -> None:
    """Also from Python, and a comparison as well."""
    code = """
import sys
import safecompress as sc
print(sc.validate("multi_attack"), sc.validate("desk/handwriting"), "torch" in sys.modules)
"""

    assert run_python("-c", code) == "[] [] False\n"


@pytest.mark.parametrize("name", ["run", "compare", "load_model"])
def test_without_torch_a_name_that_needs_it_says_what_to_install(
    name: str,
) -> None:
    """As in the base install, which brings none of its packages."""
    code = f"""
import sys
sys.modules |= dict.fromkeys(["numpy", "scipy", "torch"])
import safecompress as sc
try:
    sc.{name}
except sc.MissingExtraError as error:
    print(error)
"""

    assert "[run]" in run_python("-c", code)


@needs_torch
def test_load_model_gives_the_module_and_load_stored_the_tensors() -> None:
    """Two names of what core calls otherwise."""
    from safecompress_core.saved_models import load, storage

    assert sc.load_model is load.load_classifier
    assert sc.load_stored is storage.load_model


def test_a_name_is_the_very_object_of_its_module() -> None:
    """The façade defines nothing itself, and an unknown name is an AttributeError."""
    assert sc.load_plugins is host.load_plugins
    assert sc.validate is validate_module.validate
    assert sc.__version__ == installed_version()
    assert "load_plugins" in dir(sc)
    with pytest.raises(AttributeError, match="no attribute 'load_everything'"):
        _ = sc.load_everything


def test_python_m_safecompress_is_the_command_line() -> None:
    """It prints the same version as the command."""
    assert run_python("-m", "safecompress", "--version") == f"safecompress {installed_version()}\n"
