"""Code that a spec names and that fails late: one line with its component, place, file and line."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from safecompress_core.cli import cli

NET = """\
import torch

class Net(torch.nn.Module):
    def __init__(self, width, classes):
        super().__init__()
        self.first = torch.nn.Linear(width, 4)
        self.head = torch.nn.Linear(4, classes)

    def forward(self, inputs):
        if self.training:
            return self.head(self.first(inputs).reshape(-1, 3))
        return self.head(self.first(inputs))

def make(*, input_shape, classes, generator):
    return Net(input_shape[0], classes)
"""
PRUNED = NET.replace("if self.training:", "if self.training and (self.first.weight == 0).any():")
UNCOMPRESSED = {"type": "uncompressed"}
LAYERS = """\
import torch

def make(*, input_shape, classes, generator):
    flat = torch.nn.Linear(input_shape[0], 4)
    norm = torch.nn.InstanceNorm1d(4, track_running_stats=True)
    return torch.nn.Sequential(flat, torch.nn.Unflatten(1, (4, 1)), norm, torch.nn.Flatten(),
                               torch.nn.Linear(4, classes))
"""


def run(
    folder: Path, code: str, name: str, *options: str, method: dict[str, object] = UNCOMPRESSED
) -> Result:
    """Run a spec whose network is of this code."""
    (folder / f"{name}.py").write_text(code)
    (folder / "rows.csv").write_text(
        "a,b,y\n" + "".join(f"{i * 37 % 401},{i % 5},{i % 2}\n" for i in range(400))
    )
    content = {
        "version": 1,
        "name": "late",
        "task": {
            "data": {"type": "csv", "path": "rows.csv", "target": "y"},
            "model": {"type": "python", "factory": f"{name}:make", "folder": "."},
        },
        "training": {"epochs": 2},
        "method": method,
        "audit": {"attackers": [{"type": "gap"}]},
    }
    (folder / "late.yaml").write_text(json.dumps(content, indent=1))
    return CliRunner().invoke(cli, [*options, "run", "late.yaml", "--allow-code"])


def test_a_forward_pass_that_fails_in_training_names_file_and_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trial asks the network in eval mode, so it first fails in the first step."""
    monkeypatch.chdir(tmp_path)

    outcome = run(tmp_path, NET, "fails_late")

    assert outcome.exit_code == 2, outcome.output
    assert "Traceback" not in outcome.output
    [line] = [one for one in outcome.output.splitlines() if one.startswith("error: ")]
    assert line.startswith("error: late.yaml:11:12: task.model: ")
    assert "model 'python': the code of 'fails_late:make' raised RuntimeError: " in line
    assert line.endswith("(fails_late.py:11)")


def test_a_method_that_trains_the_network_is_not_blamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same line names the network where it fails within a method of ours."""
    monkeypatch.chdir(tmp_path)
    method = {"type": "prune", "density": 0.5}

    outcome = run(tmp_path, PRUNED, "fails_pruned", method=method)

    assert outcome.exit_code == 2, outcome.output
    [line] = [one for one in outcome.output.splitlines() if one.startswith("error: ")]
    assert line.startswith("error: late.yaml:11:12: task.model: ")
    assert line.endswith("(fails_pruned.py:11)")


def test_its_traceback_is_shown_to_who_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With -v."""
    monkeypatch.chdir(tmp_path)

    outcome = run(tmp_path, NET, "fails_aloud", "-v")

    assert outcome.exit_code == 2, outcome.output
    assert "Traceback" in outcome.output
    assert "self.first(inputs).reshape(-1, 3)" in outcome.output


def test_layers_of_torch_that_fail_name_the_function_that_made_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No line of its code is on the stack: a norm of one position has nothing to average."""
    monkeypatch.chdir(tmp_path)

    outcome = run(tmp_path, LAYERS, "fails_inside")

    assert outcome.exit_code == 2, outcome.output
    assert "Traceback" not in outcome.output
    [line] = [one for one in outcome.output.splitlines() if one.startswith("error: ")]
    assert "the forward pass of what 'fails_inside:make' builds raised ValueError: " in line
