"""Small whole runs: real data, all three kinds of attack, seconds instead of minutes."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any

import pytest

from safecompress_core.host import load_plugins
from safecompress_core.runs.run import FinishedRun, run_spec
from safecompress_core.specfile.load import LoadedSpec, load_spec
from tests.core.fixtures.small_run import finished_run, first_outcome, tiny_spec  # noqa: F401

MAGNITUDE, GRADIENT, RANDOM = ({"type": name} for name in ("magnitude", "gradient", "random"))
DIGIT = {"attribute": "digit"}

SPEC: dict[str, Any] = {
    "version": 1,
    "name": "tiny",
    "seed": 7,
    "device": "cpu",
    "task": {"data": {"type": "handwriting"}, "model": {"type": "mlp", "hidden": [12]}},
    "training": {"epochs": 6, "batch_size": 128, "learning_rate": 0.01},
    "method": {
        "type": "test-driven",
        "field": 1,
        "twins": False,
        "density": 0.3,
        "rounds": 3,
        "update_every": 1,
        "strategies": [
            {"prune": MAGNITUDE, "grow": GRADIENT},
            {"prune": MAGNITUDE, "grow": RANDOM, "set": {"relaxloss.target": [0.5, 2.0]}},
        ],
        "defences": [
            {"type": "relaxloss", "target": 0.1},
            {"type": "gradient-reversal", **DIGIT},
            {"type": "augmentation", "noise": 0.1, "rotation": 5},
        ],
    },
    "attackers": [
        {"type": "neural-blackbox", "epochs": 2, "adapt_epochs": 1},
        {"type": "neural-whitebox", "epochs": 1, "adapt_epochs": 1},
        {"type": "attribute-probe", **DIGIT},
    ],
    "audit": {
        "attackers": [
            {"type": "loss-threshold"},
            {"type": "modified-entropy"},
            {"type": "attribute-probe", "id": "probe-without-limit", **DIGIT},
        ],
        "allow_selectors": True,
    },
    "gate": [
        {"measure": "accuracy", "at_least": 0.01},
        {"measure": "membership.advantage", "at_most": 0.9},
        {"measure": "probe-without-limit.lift", "at_most": 0.01},
    ],
}

DRIVER = """
import os, signal
from pathlib import Path
from safecompress_core.runs.run import run_spec
from safecompress_core.host import load_plugins
from safecompress_core.specfile.load import load_spec

registry, seen = load_plugins().registry, []

def observe(event):
    if event["event"] == fatal:
        seen.append(event)
        if len(seen) == count:
            os.kill(os.getpid(), signal.SIGKILL)

run_spec(load_spec(Path(file), registry=registry), registry, runs=Path(runs), observers=observe)
"""


class Bench:
    """Writes specs into a folder and runs them there."""

    def __init__(self, folder: Path, processes: BaseContext) -> None:
        self.folder = folder
        self.processes = processes
        self.registry = load_plugins().registry
        self.events: list[Mapping[str, Any]] = []

    def write(self, **changes: Any) -> Path:
        """The tiny spec with some of its fields changed, ``a__b`` for a.b."""
        spec = json.loads(json.dumps(SPEC))
        for path, value in changes.items():
            *owners, field = path.split("__")
            place = spec
            for owner in owners:
                place = place[owner]
            place[field] = value
        file = self.folder / "spec.yaml"
        file.write_text(json.dumps(spec, indent=2))
        return file

    def load(self, **changes: Any) -> LoadedSpec:
        """The same, validated."""
        return load_spec(self.write(**changes), registry=self.registry)

    def run(self, runs: str = "runs", **changes: Any) -> FinishedRun:
        """The same, run; events are kept."""
        return run_spec(
            self.load(**changes),
            self.registry,
            runs=self.folder / runs,
            observers=self.events.append,
        )

    def run_elsewhere(
        self, runs: str, *, killed_at: tuple[str, int] = ("never", 0), **changes: Any
    ) -> int:
        """The same in a process of its own, which kills itself at the n-th event of a kind."""
        fatal, count = killed_at
        names = {
            "file": self.write(**changes),
            "runs": self.folder / runs,
            "fatal": fatal,
            "count": count,
        }
        process = self.processes.Process(target=exec, args=(DRIVER, names))
        process.start()
        process.join()
        assert process.exitcode is not None
        return process.exitcode


@pytest.fixture(scope="session")
def benches(forked: BaseContext) -> Callable[[Path], Bench]:
    """For a fixture that several tests share."""
    return partial(Bench, processes=forked)


@pytest.fixture
def bench(benches: Callable[[Path], Bench], tmp_path: Path) -> Bench:
    """An empty folder to run things in."""
    return benches(tmp_path)


@pytest.fixture(scope="session")
def finished(
    benches: Callable[[Path], Bench], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Bench, FinishedRun]:
    """The tiny spec, run once for all tests that only look at what is left behind."""
    bench = benches(tmp_path_factory.mktemp("finished"))
    return bench, bench.run()


@pytest.fixture
def comparable() -> Callable[[FinishedRun | Path], dict[str, Any]]:
    """What must be the same in two runs of one spec: the results without their seconds."""

    def stripped(run: FinishedRun | Path) -> dict[str, Any]:
        path = run if isinstance(run, Path) else run.path
        results: dict[str, Any] = json.loads((path / "results.json").read_text())
        del results["seconds"]
        return results

    return stripped
