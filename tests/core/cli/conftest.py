"""A small real run that the tests of several commands look at."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from safecompress_core.cli import cli

SPEC = """\
version: 1
name: tiny
seed: 3
task: {data: {type: handwriting}, model: {type: mlp, hidden: [16]}}
training: {epochs: 4}
method:
  type: test-driven
  density: 0.2
  rounds: 2
  strategies:
    - {prune: {type: magnitude}, grow: {type: gradient}}
    - {prune: {type: magnitude}, grow: {type: random}, set: {learning_rate: [0.01]}}
attackers:
  - {type: neural-blackbox, epochs: 2, adapt_epochs: 1}
  - {type: attribute-probe, attribute: digit}
audit:
  attackers:
    - {type: loss-threshold}
    - {type: attribute-probe, id: probe-mlp, attribute: digit, classifier: mlp}
  front: ends
gate:
  - {measure: accuracy, at_least: 0.01}
  - {measure: membership.advantage, at_most: 0.9}
"""


@pytest.fixture(scope="session")
def tiny_spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A spec that runs in seconds and meets its gates."""
    path = tmp_path_factory.mktemp("spec") / "tiny.yaml"
    path.write_text(SPEC, encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def first_outcome(tiny_spec: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    """What ``safecompress run`` printed, and the run directory; not to be written to."""
    runs = tmp_path_factory.mktemp("runs")
    command = ["run", str(tiny_spec), "--device", "cpu", "--runs-dir", str(runs)]
    outcome = CliRunner().invoke(cli, command)
    assert outcome.exception is None, outcome.stderr
    [directory] = runs.iterdir()
    return outcome, directory


@pytest.fixture
def finished_run(first_outcome: tuple[Result, Path], tmp_path: Path) -> Path:
    """A copy of the run directory, to be damaged as a test likes."""
    _, directory = first_outcome
    return shutil.copytree(directory, tmp_path / "runs" / directory.name)
