"""Methods whose model has other shapes: what its file and results say, and who can work with it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner

from safecompress_core.cli import cli
from safecompress_core.context.run_context import build_run_context
from safecompress_core.host import load_plugins
from safecompress_core.runs.run import FinishedRun, run_spec
from safecompress_core.runs.verify import Status, verify_run
from safecompress_core.saved_models.storage import load_model
from safecompress_core.specfile.load import load_spec

SHAPES = {
    "low-rank": {
        "1.reduce.weight",
        "1.expand.weight",
        "1.expand.bias",
        "3.reduce.weight",
        "3.expand.weight",
        "3.expand.bias",
        "5.weight",
        "5.bias",
    },
    "structured": {f"{layer}.{part}" for layer in (1, 3, 5) for part in ("weight", "bias")},
}
REFERENCE = {"reference": 0.2}


def loaded(folder: Path, method: dict[str, Any], **changes: Any) -> Any:
    """A spec of a small network on ``handwriting``."""
    spec = {
        "version": 1,
        "name": "small",
        "device": "cpu",
        "seed": 7,
        "task": {"data": {"type": "handwriting"}, "model": {"type": "mlp", "hidden": [30, 20]}},
        "training": {"epochs": 4, "batch_size": 128, "learning_rate": 0.01},
        "method": {"density": 0.4, **method},
        "audit": {"attackers": [{"type": "loss-threshold"}]},
        **changes,
    }
    file = folder / "spec.yaml"
    file.write_text(json.dumps(spec))
    return load_spec(file, registry=load_plugins().registry)


def run(folder: Path, method: dict[str, Any], **changes: Any) -> FinishedRun:
    """Such a run."""
    spec = loaded(folder, method, **changes)
    return run_spec(spec, load_plugins().registry, runs=folder, observers=lambda _: None)


@pytest.fixture(scope="module", params=sorted(SHAPES))
def finished(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, FinishedRun]:
    """A run of each method."""
    return request.param, run(tmp_path_factory.mktemp("runs"), {"type": request.param})


def test_file_and_results_tell_the_shapes(finished: tuple[str, FinishedRun]) -> None:
    """Density is over the uncompressed model's weights; the file has no mask, and is as small."""
    method, done = finished
    model, baseline = done.results.model, done.results.baseline.model
    stored = load_model(done.path / "model" / "model.safetensors")
    kept = sum(one.numel() for name, one in stored.state.items() if name.endswith("weight"))

    assert set(stored.state) == SHAPES[method]
    assert model.reshaping == stored.metadata["reshaping"] != {}
    assert baseline.reshaping == {}
    assert "reshaping" not in load_model(done.path / "baseline" / "model.safetensors").metadata
    assert model.architecture == baseline.architecture == stored.metadata["model"]
    assert model.density == kept / (64 * 30 + 30 * 20 + 20 * 14) <= 0.4
    assert done.results.method.phases[1].density == model.density
    assert model.parameters == sum(one.numel() for one in stored.state.values())
    # 4 bytes a number, and what a file says of itself
    assert model.file_bytes - 4 * model.parameters < 2500


def test_the_file_gives_back_the_very_model_that_was_audited(
    finished: tuple[str, FinishedRun], tmp_path: Path
) -> None:
    """Built from the file alone, it has the accuracy that results tell."""
    method, done = finished
    run_context = build_run_context(loaded(tmp_path, {"type": method}), load_plugins().registry)
    network = run_context.load_network(done.path / "model" / "model.safetensors").eval()
    audit = run_context.pools.audit.non_members
    inputs, labels = run_context.dataset.inputs[audit], run_context.dataset.labels[audit]

    with torch.no_grad():
        right = (network(inputs).argmax(dim=1) == labels).double().mean()
    assert float(right) == pytest.approx(done.results.metrics["accuracy"].value)


def test_a_run_verifies_and_its_file_can_be_inspected(finished: tuple[str, FinishedRun]) -> None:
    """By the commands that every other run has."""
    method, done = finished
    checks = verify_run(done.path, load_plugins().registry)
    model = str(done.path / "model" / "model.safetensors")
    told = CliRunner().invoke(cli, ["inspect", model]).stdout
    words = {"low-rank": "2 layers made of two", "structured": "3 layers of another width"}

    assert [check for check in checks if check.status is Status.DAMAGED] == []
    assert f"reshaping: {words[method]}" in told


def test_its_file_can_be_audited_white_box(
    finished: tuple[str, FinishedRun], tmp_path: Path
) -> None:
    """Without a word on its shapes, and with a layer called as the spec's model calls it."""
    _, done = finished
    attack = {"type": "neural-whitebox", "layers": ["3.weight"], "epochs": 2, "learner": "network"}
    audit = {
        "kind": "audit",
        "version": 1,
        "name": "again",
        "device": "cpu",
        "seed": 7,
        "task": {"data": {"type": "handwriting"}},
        "pools": {"members": 0.5},
        "audit": {"attackers": [attack]},
    }
    spec = tmp_path / "audit.yaml"
    spec.write_text(json.dumps(audit))
    model = str(done.path / "model" / "model.safetensors")
    told = CliRunner().invoke(
        cli, ["audit", model, "--spec", str(spec), "--runs-dir", str(tmp_path), "--json"]
    )
    results = json.loads(told.stdout)

    assert told.exit_code == 0, told.stderr
    assert results["origin"]["access"] == "white-box"
    assert results["model"]["parameters"] == done.results.model.parameters


@pytest.mark.parametrize("method", sorted(SHAPES))
@pytest.mark.parametrize(
    ("defence", "expected"),
    [
        ({"type": "gradient-reversal", "attribute": "digit"}, {}),
        ({"type": "adversarial-regularisation", "width": 16}, {}),
        ({"type": "early-stopping", "patience": 9}, {"epochs": 4}),
    ],
)
def test_defences_that_learn_go_on_or_begin_anew(
    tmp_path: Path, method: str, defence: dict[str, Any], expected: dict[str, Any]
) -> None:
    """An adversary on a narrower representation; one on logits; one that keeps whole models."""
    done = run(tmp_path, {"type": method, "defences": [defence]}, pools=REFERENCE)
    reported = done.results.defences.get(defence["type"])

    assert done.results.method.epochs == 4
    assert done.results.model.density <= 0.4
    assert expected.items() <= (reported.to_json() if reported else {}).items()


@pytest.mark.parametrize("method", sorted(SHAPES))
def test_all_steps_of_both_phases_are_accounted_for(tmp_path: Path, method: str) -> None:
    """What a phase of dense training has told of members is told for good."""
    defence = {"type": "dp-sgd", "noise": 1.0, "clip": 1.0, "delta": 1e-4}
    done = run(tmp_path, {"type": method, "defences": [defence]})
    facts = done.results.defences["dp-sgd"].to_json()

    assert facts["steps"] == 4 * round(1 / facts["sampling_rate"])


def test_what_an_opponent_has_learned_goes_on_where_its_shape_is_the_same(
    shop: Callable[..., Any],
) -> None:
    """The adversary of one representation is of no use to a narrower one."""
    reversal = {"type": "gradient-reversal", "attribute": "digit"}
    for method, goes_on in (("low-rank", True), ("structured", False)):
        one = shop({"type": method, "density": 0.5, "defences": [reversal]}, method)
        learner = one.method_context.new_state(
            one.method_context.create_network(),
            None,
            one.method_context.settings(one.run_context.spec.method.defences),
        )
        one.method_context.trainer.train(learner, until=1, topology_schedule=None, what="it")
        total = sum(weight.numel() for weight in learner.weights.values())
        small, _ = one.run_context.method.reshape(
            learner.network, one.method_context.architecture, total // 2
        )
        moved = one.method_context.move_state(learner, small)
        states = [one.defences["gradient-reversal"].state_dict() for one in (learner, moved)]
        same = [
            torch.equal(before, after)
            for before, after in zip(*map(dict.values, states), strict=True)
        ]

        assert moved.epoch == 1
        assert all(same) is goes_on


def test_normalisation_is_reshaped_and_counted_as_well(tmp_path: Path) -> None:
    """Running means are in the file, and are no parameters."""
    done = run(
        tmp_path,
        {"type": "structured"},
        task={"data": {"type": "handwriting"}, "model": {"type": "resnet18", "width": 0.05}},
        training={"epochs": 2, "batch_size": 256},
    )
    stored = load_model(done.path / "model" / "model.safetensors")
    normalised, reader = stored.metadata["reshaping"]["widths"]["layer4.1.bn2"]

    assert stored.state["layer4.1.bn2.running_var"].shape == (normalised,)
    assert stored.state["fc.weight"].shape == (14, reader) == (14, normalised)
    damaged = [
        check
        for check in verify_run(done.path, load_plugins().registry)
        if check.status is Status.DAMAGED
    ]
    assert damaged == []
