"""A run of handwriting exported to ONNX, once for all examples."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from safecompress_core.cli import cli

SPEC: dict[str, Any] = {
    "version": 1,
    "name": "example",
    "device": "cpu",
    "task": {"data": {"type": "handwriting"}, "model": {"type": "mlp", "hidden": [32]}},
    "training": {"epochs": 20, "batch_size": 128, "learning_rate": 0.01},
    "audit": {"attackers": [{"type": "loss-threshold"}]},
}


def make_run(place: Path, method: dict[str, Any], **changes: Any) -> Path:
    """Run the spec with a method; return its directory."""
    (place / "spec.yaml").write_text(json.dumps(SPEC | {"method": method} | changes))
    command = ["run", str(place / "spec.yaml"), "--runs-dir", str(place / "runs")]
    outcome = CliRunner().invoke(cli, command)
    assert outcome.exit_code == 0, outcome.stderr
    [directory] = (place / "runs").iterdir()
    return directory


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the export."""
    place = tmp_path_factory.mktemp("exported")
    run = make_run(place, {"type": "prune", "density": 0.3})
    command = ["export", str(run), "--to", "onnx", "--output", str(place / "model")]
    outcome = CliRunner().invoke(cli, command)
    assert outcome.exit_code == 0, outcome.stderr
    return place / "model"
