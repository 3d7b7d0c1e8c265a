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
        ("", "has no callable 'make'"),
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


def test_a_call_that_fails_tells_what_it_was_called_with(tmp_path: Path) -> None:
    """So that its signature can be corrected."""
    (tmp_path / "narrow_code.py").write_text("def make(classes): return None")
    params = PythonModelParams(
        factory="narrow_code:make", folder=str(tmp_path), arguments={"width": 3}
    )

    with pytest.raises(ModelError) as refused:
        PythonFactory(params).build(input_shape=(4,), classes=2, generator=torch.Generator())

    called = "it was called with 'input_shape', 'classes', 'generator', 'width'"
    assert f"{called}: input_shape is (4,), classes is 2" in str(refused.value)


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        (None, "among installed packages; write 'folder: .' to look in the folder where"),
        (".", "in '.'; write the folder that holds nobody_has_this.py"),
        ("absent", "there is no folder 'absent'; paths start at "),
    ],
)
def test_a_module_that_is_not_there_is_looked_for_in_a_folder(
    folder: str | None, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error says where it was looked for, and how to look elsewhere."""
    monkeypatch.chdir(tmp_path)
    params = PythonModelParams(factory="nobody_has_this:make", folder=folder)

    with pytest.raises(ModelError, match=message):
        PythonFactory(params).build(input_shape=(4,), classes=2, generator=torch.Generator())


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float64"])
def test_a_network_of_another_precision_is_made_float32(
    dtype: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which samples, masks and model files have; half precision loses nothing by that."""
    import sys

    monkeypatch.delitem(sys.modules, "other_precision", raising=False)
    code = f"import torch\ndef make(**_): return torch.nn.Linear(4, 2, dtype=torch.{dtype})"
    (tmp_path / "other_precision.py").write_text(code)
    params = PythonModelParams(factory="other_precision:make", folder=str(tmp_path))

    made = PythonFactory(params).build(input_shape=(4,), classes=2, generator=torch.Generator())

    assert {one.dtype for one in made.parameters()} == {torch.float32}
    assert made(torch.zeros(3, 4)).shape == (3, 2)


def test_it_runs_only_where_code_is_allowed(tmp_path: Path) -> None:
    """A spec that somebody else has written may name anything."""
    path = tmp_path / "spec.yaml"
    path.write_text(SPEC)

    refused = CliRunner().invoke(cli, ["validate", str(path)])
    allowed = CliRunner().invoke(cli, ["validate", str(path), "--allow-code"])

    assert (refused.exit_code, allowed.exit_code) == (1, 0)
    assert "'python' imports and runs code that this spec names" in refused.output
