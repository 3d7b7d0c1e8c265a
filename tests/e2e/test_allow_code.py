"""``--allow-code``: no spec runs code of its own accord."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from safecompress_core.cli import cli

MODULE = """\
from pathlib import Path
import torch
from safecompress_core.toolkit import Dataset

Path(__file__).with_name("was-imported").touch()

def samples():
    labels = torch.arange(200) % 2
    inputs = torch.arange(600.0).reshape(200, 3).sin()
    return Dataset(inputs=inputs, labels=labels, classes=("a", "b"), attributes={})
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    """A spec whose samples come out of a function."""
    (tmp_path / "suspicious.py").write_text(MODULE)
    data = {"type": "python", "function": "suspicious:samples", "folder": str(tmp_path)}
    content = {
        "version": 1,
        "name": "code",
        "task": {"data": data, "model": {"type": "mlp", "hidden": [4]}},
        "training": {"epochs": 1},
        "method": {"type": "uncompressed"},
    }
    path = tmp_path / "code.yaml"
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize("command", ["validate", "run"])
def test_code_that_a_spec_names_is_refused_with_the_reason(
    spec: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing of it is imported."""
    monkeypatch.chdir(spec.parent)

    outcome = CliRunner().invoke(cli, [command, str(spec)])

    assert outcome.exit_code == 1
    assert "task.data.type: 'python' imports and runs code that this spec names" in outcome.output
    assert "give --allow-code on the command line" in outcome.output
    assert not (spec.parent / "was-imported").exists()


def test_the_user_may_allow_it(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Validating imports nothing even then; running does."""
    monkeypatch.chdir(spec.parent)

    valid = CliRunner().invoke(cli, ["validate", "--allow-code", str(spec)])
    assert valid.exit_code == 0
    assert not (spec.parent / "was-imported").exists()

    ran = CliRunner().invoke(cli, ["run", "--allow-code", str(spec)])
    assert ran.exit_code == 0, ran.output
    assert (spec.parent / "was-imported").exists()
