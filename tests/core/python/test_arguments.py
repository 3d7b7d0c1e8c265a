"""Arguments of Python calls."""

import sys
from pathlib import Path
from typing import Any

import pytest

from safecompress_core.errors import ExecutionError
from safecompress_core.execution.settings import Execution
from safecompress_core.python.arguments import (
    execution_of,
    find_spec,
    is_watched,
    optional_path,
)


def test_a_spec_is_a_path_a_name_or_a_dictionary(tmp_path: Path) -> None:
    """A file that exists wins over a name that ships; what is neither stays a path."""
    own = tmp_path / "own.yaml"
    own.touch()

    assert find_spec(str(own)) == find_spec(own) == own
    shipped = find_spec("multi_attack")
    assert isinstance(shipped, Path)
    assert shipped.name == "multi_attack.yaml"
    assert find_spec("no_such_spec.yaml") == Path("no_such_spec.yaml")
    assert find_spec({"version": 1}) == {"version": 1}


def test_a_folder_may_be_left_out() -> None:
    """Then there is none."""
    assert optional_path(None) is None
    assert optional_path("plugins") == Path("plugins")


def test_settings_of_execution_are_those_of_the_command() -> None:
    """With the same checks."""
    nothing: dict[str, Any] = {"address": None, "devices": (), "resources": None}
    assert execution_of(None, workers=2, **nothing) == Execution(workers=2)
    ray = {**nothing, "resources": {"gpu": 0.5}}
    assert execution_of("ray", workers=4, **ray) == Execution(
        executor="ray", workers=4, gpu_share=0.5
    )
    with pytest.raises(ExecutionError, match="workers: 0 is too few"):
        execution_of(None, workers=0, **nothing)
    with pytest.raises(ExecutionError, match="resources: 'cpu' is unknown; write {'gpu': 0.25}"):
        execution_of("ray", workers=1, **{**nothing, "resources": {"cpu": 2}})


@pytest.mark.parametrize("is_terminal", [True, False])
def test_progress_is_shown_on_a_terminal_unless_the_caller_decides(
    is_terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Standard error counts, since that is where it is written."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal, raising=False)

    assert is_watched(None) is is_terminal
    assert is_watched(True)
    assert not is_watched(False)
