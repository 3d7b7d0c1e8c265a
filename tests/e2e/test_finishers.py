"""A sparse run that is quantised with its inputs, from its spec to an audit of its file."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result
from safetensors import safe_open

from safecompress import load_classifier
from safecompress_core.cli import cli
from safecompress_core.context.run_context import build_run_context
from safecompress_core.host import load_plugins
from safecompress_core.specfile.load import load_spec

SPEC: dict[str, Any] = {
    "version": 1,
    "name": "finished",
    "seed": 5,
    "device": "cpu",
    "task": {"data": {"type": "handwriting"}, "model": {"type": "mlp", "hidden": [64]}},
    "training": {"epochs": 8, "batch_size": 128, "learning_rate": 0.01},
    "method": {
        "type": "test-driven",
        "density": 0.3,
        "field": 2,
        "rounds": 2,
        "update_every": 2,
        "test_finished": True,
        "strategies": [
            {"prune": {"type": "magnitude"}, "grow": {"type": "gradient"}},
            {
                "prune": {"type": "magnitude"},
                "grow": {"type": "gradient"},
                "set": {"learning_rate": 0.005},
            },
        ],
        "finish": [{"type": "quantize", "inputs": True, "calibration": 50}],
    },
    "attackers": [{"type": "counterfactual"}],
    "audit": {
        "attackers": [
            {"type": "loss-threshold"},
            {"type": "gradient-norm"},
            {"type": "rmia", "references": 4},
        ],
        "front": "all",
    },
    "gate": [{"measure": "accuracy", "at_least": 0.01}],
}


def told(*arguments: object) -> Result:
    """The outcome of a command."""
    return CliRunner().invoke(cli, [*map(str, arguments)])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its directory."""
    place = tmp_path_factory.mktemp("finished")
    (place / "spec.yaml").write_text(json.dumps(SPEC))
    outcome = told("run", place / "spec.yaml", "--runs-dir", place / "runs")
    assert outcome.exit_code == 0, outcome.stderr
    [directory] = (place / "runs").iterdir()
    return directory


def results_of(run: Path) -> dict[str, Any]:
    """The content of its results.json."""
    content: dict[str, Any] = json.loads((run / "results.json").read_text())
    return content


def test_the_file_holds_positions_codes_and_ranges(run: Path) -> None:
    """Sparse and int8 compose: less than half of the sparse file, which is kept next to it."""
    results = results_of(run)
    with safe_open(run / "model" / "model.safetensors", framework="pt") as file:
        dtypes = {name: file.get_tensor(name).dtype for name in file.keys()}  # noqa: SIM118

    assert dtypes["1.weight.values"] is torch.int8
    assert dtypes["1.weight.bitmask"] is torch.uint8
    assert dtypes["1.weight.scales"] is torch.float32
    assert {name for name in dtypes if name.startswith("activation/")} == {
        "activation/1",
        "activation/3",
    }
    unfinished = results["unfinished"]["model"]
    assert results["model"]["density"] == unfinished["density"]
    assert results["model"]["file_bytes"] < 0.6 * unfinished["file_bytes"]
    assert unfinished["file_bytes"] == (run / "unfinished" / "model.safetensors").stat().st_size


def test_results_have_the_stage_and_the_model_before_it(run: Path) -> None:
    """With its facts, and every attack on both."""
    results = results_of(run)

    [stage] = results["method"]["finish"]
    assert stage["type"] == "quantize"
    assert stage["facts"]["calibrated_on"] == 50
    assert 0 < stage["facts"]["error"] < 0.02
    assert results["unfinished"]["audit"].keys() == results["audit"].keys()


def test_the_terminal_and_the_report_show_both(run: Path) -> None:
    """A column for the model before its stages, and what the stages were."""
    shown = told("inspect", run)
    page = (run / "report.html").read_text(encoding="utf-8")

    for text in (shown.stdout, page):
        assert "unfinished" in text
        assert "Before and after quantize (bits 8, error 0.0" in text


def test_every_file_can_be_verified(run: Path) -> None:
    """The unfinished model as well; one that is missing is damage."""
    assert told("verify", run).exit_code == 0
    assert "unfinished/model.safetensors" in told("verify", run).stdout


def test_what_was_measured_is_the_model_in_the_file(run: Path) -> None:
    """Loaded from its file it rounds its inputs, and has the accuracy of the results."""
    registry = load_plugins().registry
    run_context = build_run_context(
        load_spec(run / "spec.resolved.yaml", registry=registry), registry
    )
    network = run_context.load_network(run / "model" / "model.safetensors").eval()
    rows = run_context.pools.audit.non_members
    with torch.no_grad():
        answers = network(run_context.dataset.inputs[rows]).argmax(dim=1)
    right = (answers == run_context.dataset.labels[rows]).double().mean()

    assert network.rounded_inputs.keys() == {"1", "3"}
    assert results_of(run)["metrics"]["accuracy"]["value"] == pytest.approx(float(right), abs=1e-9)


def test_a_model_of_the_archive_can_be_picked(run: Path, tmp_path: Path) -> None:
    """It is stored as it would ship."""
    [entry, *_] = results_of(run)["archive"]
    with safe_open(run / entry["file"], framework="pt") as file:
        assert "activation/1" in file.keys()  # noqa: SIM118


def test_the_same_bytes_come_out_again(run: Path, tmp_path: Path) -> None:
    """Without what is left of the first attempt's end, and from the beginning."""
    wanted = (run / "model" / "model.safetensors").read_bytes()
    copy = tmp_path / "runs" / run.name
    shutil.copytree(run, copy)
    for name in ("results.json", "SHA256SUMS"):
        (copy / name).unlink()
    (copy / "model" / "model.safetensors").unlink()
    (tmp_path / "spec.yaml").write_text(json.dumps(SPEC))

    for runs in (copy.parent, tmp_path / "anew"):
        outcome = told("run", tmp_path / "spec.yaml", "--runs-dir", runs)
        assert outcome.exit_code == 0, outcome.stderr
        assert (runs / run.name / "model" / "model.safetensors").read_bytes() == wanted


def test_stages_that_do_not_exist_or_do_not_fit_are_refused(tmp_path: Path) -> None:
    """At their place, before anything trains."""
    spec = json.loads(json.dumps(SPEC))
    spec["method"]["finish"] = [{"type": "quantise"}, {"type": "quantize", "bits": 3}]
    (tmp_path / "spec.yaml").write_text(json.dumps(spec))

    outcome = told("run", tmp_path / "spec.yaml", "--runs-dir", tmp_path / "runs")

    assert outcome.exit_code == 1
    assert "method.finish.0" in outcome.stderr
    assert "did you mean 'quantize'" in outcome.stderr
    assert "method.finish.1.bits" in outcome.stderr
    assert not (tmp_path / "runs").exists()


def dead_channels_run(place: Path, stages: list[str], *, epochs: int) -> Result:
    """The outcome of a run of a very sparse network with these stages."""
    spec = SPEC | {
        "training": SPEC["training"] | {"epochs": epochs},
        "method": {"type": "prune", "density": 0.01, "finish": [{"type": one} for one in stages]},
        "attackers": [],
        "audit": {"attackers": [{"type": "loss-threshold"}]},
    }
    (place / "spec.yaml").write_text(json.dumps(spec))
    return told("run", place / "spec.yaml", "--runs-dir", place / "runs")


@pytest.mark.slow
@pytest.mark.parametrize("stages", [["remove-dead-channels"], ["remove-dead-channels", "quantize"]])
def test_a_network_ships_without_its_dead_channels(stages: list[str], tmp_path: Path) -> None:
    """The file holds a smaller network, answers as the unfinished model does, and loads again."""
    pytest.importorskip("torch_pruning")
    outcome = dead_channels_run(tmp_path, stages, epochs=8)
    assert outcome.exit_code == 0, outcome.stderr
    [directory] = (tmp_path / "runs").iterdir()
    results = results_of(directory)
    before, after = results["unfinished"]["model"], results["model"]
    facts = results["method"]["finish"][0]["facts"]

    assert sum(facts["removed"].values()) > 0
    assert facts["largest_difference"] < 1e-4
    assert after["reshaping"]["widths"]
    assert after["parameters"] < before["parameters"]
    assert after["file_bytes"] < before["file_bytes"]
    assert after["density"] <= before["density"]
    small, whole = (
        load_classifier(directory / name / "model.safetensors") for name in ("model", "unfinished")
    )
    inputs = torch.rand(32, 64)
    tolerance = 1e-4 if len(stages) == 1 else 0.5
    torch.testing.assert_close(small(inputs), whole(inputs), atol=tolerance, rtol=tolerance)
    assert told("verify", directory).exit_code == 0


def test_channels_are_removed_before_weights_are_coded(tmp_path: Path) -> None:
    """The codes would be of other shapes; refused at its place, before anything is trained."""
    pytest.importorskip("torch_pruning")
    outcome = dead_channels_run(tmp_path, ["quantize", "remove-dead-channels"], epochs=1)

    assert outcome.exit_code == 1
    assert "spec.yaml:1:" in outcome.stderr
    assert "method.finish.1.type: 'remove-dead-channels' removes channels of a" in outcome.stderr
    assert "write the stage that removes channels first" in outcome.stderr
    assert not (tmp_path / "runs").exists()
