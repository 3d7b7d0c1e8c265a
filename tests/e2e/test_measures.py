"""A race in which the size of the file decides, from its spec to the model that is picked."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from safecompress_core.cli import cli

RULE = {"prune": {"type": "magnitude"}, "grow": {"type": "gradient"}}
SPEC: dict[str, Any] = {
    "version": 1,
    "name": "sized",
    "seed": 5,
    "device": "cpu",
    "task": {"data": {"type": "handwriting"}, "model": {"type": "mlp", "hidden": [32]}},
    "training": {"epochs": 6, "batch_size": 128, "learning_rate": 0.01},
    "method": {
        "type": "test-driven",
        "density": 0.5,
        "field": 2,
        "rounds": 2,
        "update_every": 2,
        "strategies": [RULE, RULE | {"set": {"density": 0.02}}],
    },
    "attackers": [{"type": "counterfactual"}],
    "metrics": [{"type": "accuracy"}, {"type": "file-bytes"}, {"type": "latency"}],
    "audit": {"attackers": [{"type": "loss-threshold"}], "front": "all"},
}


def run(place: Path, choose: Mapping[str, Any]) -> tuple[Path, dict[str, Any]]:
    """The directory and the results of a run of the spec with a rule that chooses."""
    place.mkdir()
    (place / "spec.yaml").write_text(json.dumps(SPEC | {"choose": choose}))
    outcome = CliRunner().invoke(
        cli, ["run", str(place / "spec.yaml"), "--runs-dir", str(place / "runs")]
    )
    assert outcome.exit_code == 0, outcome.stderr
    [directory] = (place / "runs").iterdir()
    results: dict[str, Any] = json.loads((directory / "results.json").read_text())
    return directory, results


@pytest.mark.slow
def test_the_size_of_the_file_decides_between_two_lineages(tmp_path: Path) -> None:
    """By accuracy and leak the denser one ships, by size too the sparser one; both are archived."""
    _, large = run(tmp_path / "large", {"type": "weighted", "performance_weight": 10})
    directory, small = run(
        tmp_path / "small",
        {"type": "weighted", "performance_weight": 10, "measures": {"file-bytes": 100}},
    )

    assert large["model"]["density"] == pytest.approx(0.5, abs=0.01)
    assert small["model"]["density"] == pytest.approx(0.02, abs=0.01)
    assert small["selection"]["measures"] == {"file-bytes": 100}
    first = small["rounds"][0]["candidates"]
    sizes = [model["objectives"]["file-bytes"] for model in first]
    assert 0 < min(sizes) < 0.5 < max(sizes) < 1
    [left] = [model["left"] for model in first if model["left"]]
    assert left["decided_by"] == "utility"
    assert {entry["objectives"]["file-bytes"] for entry in small["archive"]} >= set(sizes)
    for command in (["verify"], ["pick"], ["report"]):
        outcome = CliRunner().invoke(cli, [*command, str(directory)])
        assert outcome.exit_code == 0, outcome.stderr
    assert "share of the uncompressed model" in (directory / "report.html").read_text()
