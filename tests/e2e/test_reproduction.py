"""The same spec, seed and machine give the same bytes, disturbed or not."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from safecompress_core.runs.run import run_directory
from safecompress_core.specfile.load import load_spec

Comparable = Callable[[Any], dict[str, Any]]


def shipped(run: Path) -> dict[str, bytes]:
    """Every model file, by its place."""
    return {str(p.relative_to(run)): p.read_bytes() for p in run.rglob("*.safetensors")}


@pytest.mark.slow
def test_a_second_run_in_another_process_gives_the_same_bytes(
    finished: Any, bench: Any, comparable: Comparable
) -> None:
    """Models, archive, checkpoints and results but for the seconds; hashing in another order."""
    _, first = finished

    assert bench.run_elsewhere("runs") == 0
    [second] = (bench.folder / "runs").iterdir()

    assert second.name == first.path.name
    assert shipped(second) == shipped(first.path)
    assert comparable(second) == comparable(first)


@pytest.mark.slow
def test_a_run_killed_again_and_again_goes_on_to_the_same_bytes(
    finished: Any, bench: Any, comparable: Comparable
) -> None:
    """``kill -9`` in the first round, between archive and checkpoint, and in the audit."""
    _, undisturbed = finished

    for killed_at in (("candidate_tested", 3), ("round_finished", 2), ("attack_finished", 27)):
        assert bench.run_elsewhere("runs", killed_at=killed_at) == -signal.SIGKILL
        [path] = (bench.folder / "runs").iterdir()
        assert not (path / "results.json").exists()
    resumed = bench.run()

    assert resumed.path == path
    assert resumed.is_new
    assert shipped(path) == shipped(undisturbed.path)
    assert comparable(resumed) == comparable(undisturbed)
    lines = (path / "events.jsonl").read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines].count("run_started") == 4
    assert {event["event"] for event in bench.events} >= {"attack_finished", "run_finished"}
    assert "candidate_tested" not in {event["event"] for event in bench.events}


@pytest.mark.slow
def test_a_run_killed_between_phases_goes_on_to_the_same_bytes(
    bench: Any, comparable: Comparable
) -> None:
    """A method without rounds keeps what each of its phases has reached."""
    method = {"type": "prune", "density": 0.3, "schedule": "cubic", "pretrain": 0.3}
    changes = {"method": method, "attackers": [], "gate": []}
    undisturbed = bench.run("undisturbed", **changes)

    killed = bench.run_elsewhere("runs", killed_at=("phase_finished", 2), **changes)
    assert killed == -signal.SIGKILL
    resumed = bench.run(**changes)

    assert shipped(resumed.path) == shipped(undisturbed.path)
    assert comparable(resumed) == comparable(undisturbed)
    told = [event["name"] for event in bench.events if event["event"] == "phase_finished"]
    assert told[-1:] == ["fine-tune"]
    assert len(told) == 4  # three undisturbed, one resumed


@pytest.mark.slow
def test_a_resumed_run_does_not_train_again_what_is_there(
    finished: Any, bench: Any, comparable: Comparable
) -> None:
    """Killed in the third round, it takes up the third round, and its progress says so."""
    _, undisturbed = finished
    bench.run_elsewhere("runs", killed_at=("candidate_tested", 9))
    resumed = bench.run()
    assert comparable(resumed) == comparable(undisturbed)
    tested = [e for e in bench.events if e["event"] == "candidate_tested"]

    assert [event["round"] for event in tested] == [3, 3, 3, 3]
    assert bench.events[-1]["done"] == bench.events[-1]["total"]


def test_a_finished_run_is_not_done_again(finished: Any) -> None:
    """Its results are read, and nobody is told anything."""
    bench, first = finished
    told = len(bench.events)

    again = bench.run()

    assert not again.is_new
    assert again.path == first.path
    assert again.results == first.results
    assert len(bench.events) == told


@pytest.mark.slow
def test_another_seed_gives_another_run(finished: Any, bench: Any) -> None:
    """Another directory, other pools, other weights."""
    _, first = finished
    other = bench.run(seed=8, method__rounds=1, training__epochs=2)

    assert other.path.name != first.path.name
    assert other.results.pools != first.results.pools


def test_the_resolved_spec_is_the_same_run(finished: Any) -> None:
    """It loads without a problem and names the same directory."""
    bench, first = finished
    resolved = load_spec(first.path / "spec.resolved.yaml", registry=bench.registry)

    assert run_directory(resolved, bench.registry, first.path.parent) == first.path
