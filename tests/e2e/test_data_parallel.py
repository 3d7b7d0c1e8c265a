"""A run by two processes that a launcher has started."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from safecompress_core.cli import cli

pytestmark = pytest.mark.slow

SPEC: dict[str, Any] = {
    "version": 1,
    "name": "parallel",
    "device": "cpu",
    "task": {"data": {"type": "handwriting"}, "model": {"type": "mlp", "hidden": [32]}},
    "training": {"epochs": 6, "batch_size": 64, "learning_rate": 0.01},
    "method": {"type": "rigl", "density": 0.3, "update_every": 2},
    "attackers": [{"type": "loss-threshold"}],
    "audit": {"attackers": [{"type": "modified-entropy"}]},
}
TORCHRUN = ("torch.distributed.run", "--nproc-per-node", "2")
ACCELERATE = ("accelerate.commands.launch", "--num_processes", "2", "--cpu", "--num_machines", "1")


def launch(launcher: tuple[str, ...], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run safecompress in two processes with one thread each."""
    return subprocess.run(
        [sys.executable, "-m", *launcher, "-m", "safecompress", *arguments],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )


def write_spec(folder: Path, **changes: Any) -> str:
    """Write the spec; return its path."""
    path = folder / "parallel.yaml"
    YAML().dump(SPEC | changes, path)
    return str(path)


@pytest.mark.parametrize(
    "launcher",
    [
        TORCHRUN,
        pytest.param(
            ACCELERATE,
            marks=pytest.mark.skipif(
                find_spec("accelerate") is None, reason="accelerate is not installed"
            ),
        ),
    ],
)
def test_two_processes_reach_what_one_reaches(launcher: tuple[str, ...], tmp_path: Path) -> None:
    """The same batches, so the same accuracy but for rounding; only the first process writes."""
    spec = write_spec(tmp_path)
    alone = CliRunner().invoke(cli, ["run", spec, "--runs-dir", str(tmp_path / "one"), "--json"])

    done = launch(launcher, "run", spec, "--runs-dir", str(tmp_path / "two"), "--json")

    assert done.returncode == 0, done.stderr
    one, two = json.loads(alone.stdout), json.loads(done.stdout)
    assert abs(one["metrics"]["accuracy"]["value"] - two["metrics"]["accuracy"]["value"]) < 0.02
    [run] = (tmp_path / "two").iterdir()
    assert not list(run.glob(".rank*"))
    assert json.loads((run / "environment.json").read_text())["processes"] == 2


def test_what_cannot_be_divided_is_refused_before_training(tmp_path: Path) -> None:
    """The message is printed once, and no process hangs."""
    tree = {"type": "soft-tree", "tree": {"type": "soft-tree", "depth": 2}}
    spec = write_spec(tmp_path, method=tree)

    done = launch(TORCHRUN, "run", spec, "--runs-dir", str(tmp_path / "runs"))

    assert done.returncode != 0
    assert done.stderr.count("'soft-tree' balances the nodes of its tree over whole batches") == 1
    assert not (tmp_path / "runs").exists()
