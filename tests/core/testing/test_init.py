"""The kit for plugin authors, as they import it."""

import subprocess
import sys
from pathlib import Path

import pytest

from safecompress_core import testing


def test_every_conformance_class_is_where_authors_import_it() -> None:
    """By its name, and sorted in ``__all__``."""
    assert testing.__all__ == sorted(testing.__all__)
    assert [getattr(testing, name).__name__ for name in testing.__all__] == testing.__all__


def test_an_unknown_class_is_an_attribute_error() -> None:
    """So that ``hasattr`` and ``from … import`` say what they should."""
    with pytest.raises(AttributeError, match="no attribute 'GhostConformance'"):
        _ = testing.GhostConformance


def test_the_checks_of_a_definition_need_no_torch() -> None:
    """A plugin may test its manifest on the base install."""
    code = (
        "import sys; from safecompress_core.testing import DefinitionConformance; "
        "print('torch' in sys.modules)"
    )

    outcome = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert outcome.stdout.strip() == "False"


def test_a_failing_check_shows_what_it_compared(tmp_path: Path) -> None:
    """Assertions of the kit are rewritten, as those of a test file are."""
    (tmp_path / "test_it.py").write_text(
        "from safecompress_core.api import MetricDef, Params\n"
        "from safecompress_core.testing import DefinitionConformance\n"
        "class TestIt(DefinitionConformance):\n"
        "    definition = MetricDef(\n"
        "        name='it', params=Params, target='builtins:repr', summary=' Indented.'\n"
        "    )\n"
    )
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "test_it.py"]

    outcome = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert "assert ' Indented.' == 'Indented.'" in outcome.stdout
    assert "1 failed, 8 passed" in outcome.stdout
