"""A run by two processes that a launcher has started."""

import json
import os
import signal
import subprocess
import sys
import time
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
# With --cpu it starts several processes by MPI only.
ACCELERATE = (
    "accelerate.commands.launch",
    *("--multi_gpu", "--num_processes", "2", "--num_machines", "1"),
)


GROW = {"prune": {"type": "magnitude"}, "grow": {"type": "gradient"}}
RACE: dict[str, Any] = {
    "training": {"epochs": 8, "batch_size": 64, "learning_rate": 0.01},
    "method": {
        "type": "test-driven",
        "density": 0.3,
        "rounds": 2,
        "field": [2, 1],
        "strategies": [{**GROW, "set": {"density": [0.2]}}],
    },
    "attackers": [{"type": "counterfactual"}],
    "audit": {"attackers": [{"type": "calibrated", "references": 4}]},
}
SEARCH: dict[str, Any] = {
    "method": {
        "type": "search",
        "density": 0.3,
        "twins": False,
        "budget": 3,
        "strategies": [{**GROW, "set": {"density": [0.2, 0.1]}}],
    },
}


def begin(launcher: tuple[str, ...], *arguments: str) -> subprocess.Popen[str]:
    """Start safecompress in two processes with one thread each."""
    return subprocess.Popen(
        [sys.executable, "-m", *launcher, "-m", "safecompress", *arguments],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def launch(launcher: tuple[str, ...], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run safecompress in two processes to its end."""
    process = begin(launcher, *arguments)
    output, error = process.communicate(timeout=500)
    return subprocess.CompletedProcess(process.args, process.returncode, output, error)


def run_alone(spec: str, runs: Path) -> dict[str, Any]:
    """Run a spec in this process, and return its results."""
    output = CliRunner().invoke(cli, ["run", spec, "--runs-dir", str(runs), "--json"]).stdout
    results: dict[str, Any] = json.loads(output)
    return results


def require_alike(one: dict[str, Any], two: dict[str, Any]) -> None:
    """Check that two runs differ by rounding alone, which changes few answers."""
    assert abs(one["metrics"]["accuracy"]["value"] - two["metrics"]["accuracy"]["value"]) < 0.02


def process_of_rank(number: int, launcher: int) -> int:
    """Return the id of the process of a rank that a launcher, by its id, has started."""
    children = Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
    for child in children:
        variables = Path(f"/proc/{child}/environ").read_bytes().split(b"\0")
        if f"RANK={number}".encode() in variables:
            return int(child)
    raise AssertionError(f"no process has rank {number}")


def write_spec(folder: Path, **changes: Any) -> str:
    """Write the spec; return its path."""
    path = folder / "parallel.yaml"
    YAML().dump(SPEC | changes, path)
    return str(path)


@pytest.mark.parametrize(
    "launcher",
    [
        pytest.param(TORCHRUN, id="torchrun"),
        pytest.param(
            ACCELERATE,
            id="accelerate",
            marks=pytest.mark.skipif(
                find_spec("accelerate") is None, reason="accelerate is not installed"
            ),
        ),
    ],
)
def test_two_processes_reach_what_one_reaches(launcher: tuple[str, ...], tmp_path: Path) -> None:
    """The same batches, so the same accuracy but for rounding; only the first process writes."""
    spec = write_spec(tmp_path)
    one = run_alone(spec, tmp_path / "one")

    done = launch(launcher, "run", spec, "--runs-dir", str(tmp_path / "two"), "--json")

    assert done.returncode == 0, done.stderr
    require_alike(one, json.loads(done.stdout))
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


@pytest.mark.skipif(sys.platform != "linux", reason="finds a process by /proc")
def test_after_the_death_of_a_process_the_others_end_and_the_run_goes_on(tmp_path: Path) -> None:
    """A race with reference models: nothing half-written is left, and nothing is missing."""
    spec, runs = write_spec(tmp_path, **RACE), tmp_path / "two"
    line = (TORCHRUN, "run", spec, "--runs-dir", str(runs), "--json")
    process = begin(*line)
    while not list(runs.glob("*/checkpoints/method/round-1/record.json")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)

    os.kill(process_of_rank(1, process.pid), signal.SIGKILL)

    _, error = process.communicate(timeout=500)
    assert process.returncode != 0
    assert "another process has ended or cannot be reached" in error or "terminated; run" in error
    assert not list(runs.glob("*/SHA256SUMS"))
    done = launch(*line)
    assert done.returncode == 0, done.stderr
    [run] = runs.iterdir()
    assert not list(run.glob(".*rank*"))
    require_alike(run_alone(spec, tmp_path / "one"), json.loads(done.stdout))


def test_a_search_is_the_same_in_two_processes(tmp_path: Path) -> None:
    """All draw the same proposals from the same tests."""
    spec = write_spec(tmp_path, **SEARCH)

    done = launch(TORCHRUN, "run", spec, "--runs-dir", str(tmp_path / "two"), "--json")

    assert done.returncode == 0, done.stderr
    require_alike(run_alone(spec, tmp_path / "one"), json.loads(done.stdout))
