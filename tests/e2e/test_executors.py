"""Whole runs and comparisons, by each executor: the same bytes, whatever does the work."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from safecompress_core.compare.compare_runs import compare_runs
from safecompress_core.compare.runner import ComparisonJob
from safecompress_core.execution.settings import HERE, Execution
from safecompress_core.host import load_plugins
from safecompress_core.results.schema import ComparisonResults
from safecompress_core.runs.run import FinishedRun, run_spec
from safecompress_core.specfile.load import compose_spec
from safecompress_core.specfile.models.comparison import load_comparison

pytestmark = pytest.mark.slow

GROW = {"prune": {"type": "magnitude"}, "grow": {"type": "gradient"}}
RACE: dict[str, Any] = {
    "training__epochs": 2,
    "method__field": [2, 1],
    "method__rounds": 2,
    "method__twins": True,
    "method__strategies": [{**GROW, "set": {"density": [0.2]}}],
    "attackers": [{"type": "counterfactual"}, {"type": "loss-threshold"}],
    "audit__attackers": [{"type": "calibrated", "references": 4}],
    "gate": [],
}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, benches: Any) -> FinishedRun:
    """A race with reference models, in this process."""
    finished: FinishedRun = benches(tmp_path_factory.mktemp("alone")).run(**RACE)
    return finished


def model_files(run: Path) -> dict[str, bytes]:
    """Every model file and every reference model's answers, by place."""
    return {str(p.relative_to(run)): p.read_bytes() for p in run.rglob("*.safetensors")}


SEARCH: dict[str, Any] = {
    "training__epochs": 2,
    "attackers": RACE["attackers"],
    "gate": [],
    "method": {
        "type": "search",
        "density": 0.3,
        "update_every": 1,
        "sampler": "nsga2",
        "proposals": 2,
        "budget": 8,
        "strategies": [{**GROW, "set": {"learning_rate": {"low": 0.01, "high": 0.1}}}],
    },
    "audit__attackers": [{"type": "loss-threshold"}],
}


def run_by(bench: Any, execution: Execution, changes: dict[str, Any] = RACE) -> FinishedRun:
    """The same run by an executor."""
    return run_spec(
        bench.load(**changes),
        bench.registry,
        runs=bench.folder / "runs",
        observers=bench.events.append,
        execution=execution,
    )


@pytest.fixture
def patient_cluster(ray_cluster: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The cluster, which may take longer to answer: other tests show how long a command waits."""
    monkeypatch.setattr("safecompress_core.execution.ray_cluster.ANSWER", 120.0)
    return ray_cluster


@pytest.mark.usefixtures("forked_workers")
def test_a_run_is_the_same_in_two_processes(
    alone: FinishedRun, bench: Any, comparable: Callable[[Any], dict[str, Any]]
) -> None:
    """Lineages and reference models; progress counts every unit."""
    finished = run_by(bench, Execution(workers=2))

    assert comparable(finished) == comparable(alone)
    assert model_files(finished.path) == model_files(alone.path)
    assert bench.events[-1]["done"] == bench.events[-1]["total"]


@pytest.mark.usefixtures("forked_workers")
def test_a_search_is_the_same_in_two_processes(
    benches: Any, tmp_path: Path, comparable: Callable[[Any], dict[str, Any]]
) -> None:
    """Trials that are proposed together are trained together."""
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
    here, there = benches(tmp_path / "here"), benches(tmp_path / "there")

    alone = run_by(here, HERE, SEARCH)
    finished = run_by(there, Execution(workers=2), SEARCH)

    assert comparable(finished) == comparable(alone)
    assert any("trial-4" in name for name in model_files(finished.path))
    assert model_files(finished.path) == model_files(alone.path)


@pytest.mark.ray
def test_a_run_is_the_same_on_a_cluster_of_two_nodes(
    patient_cluster: Any,
    alone: FinishedRun,
    bench: Any,
    comparable: Callable[[Any], dict[str, Any]],
) -> None:
    """Whose workers write in folders of their own."""
    finished = run_by(bench, Execution(executor="ray", workers=2, address=patient_cluster.address))

    assert comparable(finished) == comparable(alone)
    assert model_files(finished.path) == model_files(alone.path)
    assert bench.events[-1]["done"] == bench.events[-1]["total"]


def compared(bench: Any, name: str, execution: Execution) -> tuple[ComparisonResults, Path]:
    """A comparison of two seeds by an executor."""
    from safecompress_core.cli.display.lines import brief_lines

    host = load_plugins()
    base = bench.write(**{**RACE, "method": {"type": "prune", "density": 0.3}})
    spec = {"version": 1, "name": "pair", "base": str(base), "seeds": [1, 2]}
    spec |= {"variants": [{"method": {"density": 0.2}}]}
    job = ComparisonJob(
        folder=bench.folder / name, plugins_dir=None, invoked=None, watch=brief_lines
    )
    comparison = load_comparison(compose_spec(spec, ()), registry=host.registry)
    record = compare_runs(
        comparison, host, job, execution=execution, dataset_cache={}, say=lambda _: None
    )
    return record, job.folder


@pytest.mark.ray
def test_a_comparison_is_the_same_on_a_cluster(patient_cluster: Any, bench: Any) -> None:
    """Its runs have the same directories with the same models, and so has what they share."""
    record, here = compared(bench, "here", HERE)
    execution = Execution(executor="ray", workers=2, address=patient_cluster.address)
    same, there = compared(bench, "there", execution)

    assert not same.failures
    assert model_files(here) == model_files(there)
    for one, other in zip(record.variants, same.variants, strict=True):
        assert one.to_json().get("audit") == other.to_json().get("audit")
        assert one.to_json()["task_accuracy"] == other.to_json()["task_accuracy"]
    # Done already: read, not done again.
    stamps = {path: path.stat().st_mtime_ns for path in there.rglob("model.safetensors")}
    again, _ = compared(bench, "there", execution)
    assert json.dumps(again.to_json()) == json.dumps(same.to_json())
    assert {path: path.stat().st_mtime_ns for path in there.rglob("model.safetensors")} == stamps
