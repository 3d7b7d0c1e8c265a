"""A network out of the user's own function."""

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from safecompress_core.cli import cli
from safecompress_core.toolkit import ModelError
from safecompress_plugins.models.loaded_manifest import PythonModelParams
from safecompress_plugins.models.python_factory import PythonFactory

SPEC = """
version: 1
name: own
task:
  data: {type: handwriting, task: session}
  model: {type: python, factory: "my_model:make"}
method: {type: uncompressed}
"""


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("", "has nothing called 'make' that can be called"),
        ("def make(**given): return 3", "'code_of_a_test:make' returned a int"),
        ("def make(**given): raise KeyError('width')", "cannot be used .KeyError: 'width'."),
    ],
)
def test_a_function_that_makes_no_network_is_refused(
    tmp_path: Path, code: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what it did instead."""
    import sys

    monkeypatch.delitem(sys.modules, "code_of_a_test", raising=False)
    (tmp_path / "code_of_a_test.py").write_text(code)
    params = PythonModelParams(factory="code_of_a_test:make", folder=str(tmp_path))

    with pytest.raises(ModelError, match=message):
        PythonFactory(params).build(input_shape=(4,), classes=2, generator=torch.Generator())


def test_it_runs_only_where_code_is_allowed(tmp_path: Path) -> None:
    """A spec that somebody else has written may name anything."""
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC)

    refused = CliRunner().invoke(cli, ["validate", str(path)])
    allowed = CliRunner().invoke(cli, ["validate", str(path), "--allow-code"])

    assert (refused.exit_code, allowed.exit_code) == (1, 0)
    assert "'python' imports and runs code that this spec names" in refused.output
