"""Old results are shown only if nothing that decides them has changed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from safetensors.torch import save_file
from torch import nn

from safecompress_core.cli import cli
from safecompress_core.errors import RunDirectoryError
from safecompress_core.host import load_plugins
from safecompress_core.runs.audit_model import audit_model
from safecompress_core.runs.run import FinishedRun, run_spec
from safecompress_core.saved_models.model_format import detect_model
from safecompress_core.specfile.load import load_audit_spec, load_spec

CODE = """
from torch import nn

def make(input_shape, classes, generator):
    return nn.Sequential(nn.Linear(2, 4), nn.{activation}(), nn.Linear(4, classes))
"""
AUDIT = {"attackers": [{"type": "loss-threshold"}]}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A table of two numbers with its labels, and an architecture of one's own."""
    rows = [f"{number % 17},{number * number % 13},{number % 2}" for number in range(120)]
    (tmp_path / "table.csv").write_text("a,b,odd\n" + "\n".join(rows) + "\n")
    (tmp_path / "stale_net.py").write_text(CODE.format(activation="ReLU"))
    return tmp_path


def spec_of(place: Path, **changes: Any) -> Path:
    """A spec whose parts are all in one folder."""
    spec = {
        "version": 1,
        "name": "stale",
        "device": "cpu",
        "task": {
            "data": {"type": "csv", "path": str(place / "table.csv"), "target": "odd"},
            "model": {"type": "python", "factory": "stale_net:make", "folder": str(place)},
        },
        "audit": AUDIT,
        **changes,
    }
    path = place / "spec.json"
    path.write_text(json.dumps(spec))
    return path


def run(place: Path) -> FinishedRun:
    """A run in a folder that later ones share."""
    registry = load_plugins().registry
    spec = spec_of(place, training={"epochs": 1}, method={"type": "uncompressed"})
    loaded = load_spec(spec, registry=registry, allow_code=True)
    return run_spec(loaded, registry, runs=place / "runs", observers=lambda _: None)


def audit(place: Path, model: Path) -> FinishedRun:
    """The same of a finished model."""
    registry = load_plugins().registry
    changes: dict[str, Any] = {"kind": "audit", "pools": {"members": 0.5}}
    loaded = load_audit_spec(spec_of(place, **changes), registry=registry, allow_code=True)
    return audit_model(
        detect_model(model, allow_code=True),
        loaded,
        registry,
        runs=place / "runs",
        observers=lambda _: None,
    )


def weights(place: Path) -> Path:
    """A state dict of the architecture, untrained."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 2))
    save_file(module.state_dict(), place / "model.safetensors")
    return place / "model.safetensors"


@pytest.mark.parametrize("work", [run, lambda place: audit(place, weights(place))])
def test_a_result_is_not_shown_after_the_code_of_the_model_has_changed(
    place: Path, work: Callable[[Path], FinishedRun]
) -> None:
    """Of a run as of an audit: the message names the file and the component."""
    assert work(place).is_new
    assert not work(place).is_new
    (place / "stale_net.py").write_text(CODE.format(activation="Tanh"))

    with pytest.raises(RunDirectoryError, match=r"began: .*stale_net\.py \(task\.model\);"):
        work(place)


def test_an_interrupted_run_does_not_go_on_with_other_code(place: Path) -> None:
    """Its first rounds would be of another network than its last."""
    first = run(place)
    first.path.joinpath("results.json").unlink()
    (place / "stale_net.py").write_text(CODE.format(activation="Tanh"))

    with pytest.raises(RunDirectoryError, match=r"stale_net\.py"):
        run(place)


def test_labels_of_another_spelling_are_other_data(place: Path) -> None:
    """Samples and positions are the same, and what the verdict says is not."""
    run(place)
    table = place / "table.csv"
    lines = [f"{line[:-1]}{'ab'[int(line[-1])]}" for line in table.read_text().split()[1:]]
    table.write_text("a,b,odd\n" + "\n".join(lines) + "\n")

    with pytest.raises(RunDirectoryError, match="began: the label names;"):
        run(place)


def onnx_model(place: Path, location: str, seed: int) -> Path:
    """One linear layer whose weights are in a file beside the model's."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from onnx import TensorProto, helper, numpy_helper

    torch.manual_seed(seed)
    weight = numpy_helper.from_array(torch.randn(2, 2).numpy(), "weight")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "weight"], ["logits"])],
        "linear",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 2])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 2])],
        [weight],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    (place / location).unlink(missing_ok=True)
    onnx.save(
        model,
        place / "model.onnx",
        save_as_external_data=True,
        location=location,
        size_threshold=0,
    )
    return place / "model.onnx"


@pytest.mark.parametrize("location", ["model.onnx.data", "weights.bin"])
def test_weights_beside_an_onnx_file_are_part_of_the_model(place: Path, location: str) -> None:
    """Whatever their file is called: others make another audit, and their bytes are counted."""
    model = onnx_model(place, location, seed=1)
    first = audit(place, model)
    before = model.read_bytes()
    onnx_model(place, location, seed=2)
    second = audit(place, model)

    assert model.read_bytes() == before
    assert second.is_new
    assert second.results.origin.sha256 != first.results.origin.sha256
    size = model.stat().st_size + (place / location).stat().st_size
    assert second.results.model.file_bytes == size


def test_a_comparison_leaves_out_runs_of_what_has_changed(place: Path) -> None:
    """Its table would mix them with others; the record names the run and the reason."""
    data = {"type": "csv", "path": str(place / "table.csv"), "target": "odd"}
    task = {"data": data, "model": {"type": "mlp", "hidden": [4]}}
    base = spec_of(
        place, task=task, training={"epochs": 2}, method={"type": "prune", "density": 0.5}
    )
    comparison = {
        "version": 1,
        "name": "both",
        "base": base.name,
        "seeds": [0],
        "densities": [0.5],
        "variants": [{"name": "prune-once"}],
    }
    (place / "both.json").write_text(json.dumps(comparison))
    command = ["compare", str(place / "both.json"), "--into", str(place / "compared")]
    first = CliRunner().invoke(cli, command)
    assert first.exit_code == 0, first.output
    rows = (place / "table.csv").read_text().split()
    (place / "table.csv").write_text("\n".join([*rows[:-1], "3,3,1"]) + "\n")

    second = CliRunner().invoke(cli, command)

    assert second.exit_code == 2
    assert "no run of the comparison could be finished" in second.stderr
    assert "changed since this run began: the samples of task.data" in second.stderr
