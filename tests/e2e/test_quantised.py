"""A run that ships int8, from its spec to an audit of its file."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result
from safetensors import safe_open

from safecompress_core.cli import cli
from safecompress_core.context.run_context import build_run_context
from safecompress_core.host import load_plugins
from safecompress_core.saved_models.storage import load_model
from safecompress_core.specfile.load import load_spec

SPEC: dict[str, Any] = {
    "version": 1,
    "name": "int8",
    "seed": 5,
    "device": "cpu",
    "task": {"data": {"type": "handwriting"}, "model": {"type": "mlp", "hidden": [256, 64]}},
    "training": {"epochs": 8, "batch_size": 128, "learning_rate": 0.01},
    "method": {"type": "quantize", "aware": True},
    "audit": {
        "attackers": [
            {"type": "loss-threshold"},
            {"type": "gradient-norm"},
            {"type": "compression-difference", "classifier": "logistic"},
            {"type": "attribute-probe", "attribute": "digit"},
        ]
    },
    "gate": [{"measure": "accuracy", "at_least": 0.01}],
}
AUDIT: dict[str, Any] = {
    "version": 1,
    "kind": "audit",
    "name": "int8-again",
    "seed": 5,
    "device": "cpu",
    "task": {"data": {"type": "handwriting"}},
    "pools": {"members": 0.5},
    "audit": {"attackers": [{"type": "loss-threshold"}, {"type": "gradient-norm"}]},
    "gate": [{"measure": "accuracy", "at_least": 0.01}],
}


def told(*arguments: object) -> Result:
    """The outcome of a command."""
    return CliRunner().invoke(cli, [*map(str, arguments)])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its directory."""
    place = tmp_path_factory.mktemp("int8")
    (place / "spec.yaml").write_text(json.dumps(SPEC))
    outcome = told("run", place / "spec.yaml", "--runs-dir", place / "runs")
    assert outcome.exit_code == 0, outcome.stderr
    [directory] = (place / "runs").iterdir()
    return directory


def test_the_file_holds_int8_and_is_about_a_quarter(run: Path) -> None:
    """Every weight is there, so the density is 1; bytes tell what was saved."""
    results = json.loads((run / "results.json").read_text())
    with safe_open(run / "model" / "model.safetensors", framework="pt") as file:
        kinds = {name: file.get_tensor(name).dtype for name in file.keys()}  # noqa: SIM118
    model = results["model"]

    assert sum(kind is torch.int8 for kind in kinds.values()) == 3
    assert (model["density"], model["model_density"]) == (1.0, 1.0)
    assert model["active"] == model["parameters"] == results["baseline"]["model"]["parameters"]
    assert 0.25 < model["file_bytes"] / model["dense_bytes"] < 0.3
    assert [phase["name"] for phase in results["method"]["phases"]] == [
        "train",
        "train as int8",
        "quantise",
    ]


def test_it_can_be_verified_and_inspected(run: Path) -> None:
    """Hashes, densities and sizes fit; the tensors are shown as int8."""
    assert told("verify", run).exit_code == 0
    shown = told("inspect", run / "model" / "model.safetensors", "--json")

    assert shown.exit_code == 0
    tensors = json.loads(shown.stdout)["tensors"]
    assert [one["dtype"] for one in tensors if len(one["shape"]) == 2] == ["int8"] * 3


def test_what_was_measured_is_the_model_in_the_file(run: Path) -> None:
    """Its accuracy is that of int8, and not of the weights before they were rounded."""
    registry = load_plugins().registry
    run_context = build_run_context(
        load_spec(run / "spec.resolved.yaml", registry=registry), registry
    )
    stored = load_model(run / "model" / "model.safetensors")
    network = run_context.create_network().eval()
    network.module.load_state_dict(stored.state)
    rows = run_context.pools.audit.non_members
    with torch.no_grad():
        answers = network(run_context.dataset.inputs[rows]).argmax(dim=1)
    right = (answers == run_context.dataset.labels[rows]).double().mean()
    results = json.loads((run / "results.json").read_text())

    assert results["metrics"]["accuracy"]["value"] == pytest.approx(float(right), abs=1e-12)


def test_its_file_can_be_audited_by_itself(run: Path, tmp_path: Path) -> None:
    """White-box attacks included: it is a network of floating-point weights."""
    (tmp_path / "audit.yaml").write_text(json.dumps(AUDIT))
    file = run / "model" / "model.safetensors"
    command = ["audit", file, "--spec", tmp_path / "audit.yaml", "--runs-dir", tmp_path / "runs"]
    outcome = told(*command)
    assert outcome.exit_code == 0, outcome.stderr
    [directory] = (tmp_path / "runs").iterdir()
    found = json.loads((directory / "results.json").read_text())

    assert set(found["audit"]) == {"loss-threshold", "gradient-norm"}
    assert found["model"]["density"] == 1.0
    assert found["model"]["file_bytes"] == file.stat().st_size
