"""Every defence in a race: a twin is trained in the same way, on its own members."""

import json
from pathlib import Path
from typing import Any

import pytest

from safecompress_core.api import Kind
from safecompress_core.context.run_context import RunContext, build_run_context
from safecompress_core.host import load_plugins
from safecompress_core.methods.method import MethodOutcome
from safecompress_core.preflight.run_checks import require_feasible
from safecompress_core.results.checkpoints import Checkpoints
from safecompress_core.results.events import EventLog
from safecompress_core.specfile.load import load_spec

REQUIRED: dict[str, dict[str, Any]] = {
    "adversarial-regularisation": {"width": 16},
    "adversarial-training": {"epsilon": 0.1},
    "augmentation": {"noise": 0.1},
    "dp-sgd": {"noise": 1.0},
    "entropy": {"on": "misclassified", "weight": 0.1},
    "gradient-reversal": {"attribute": "digit"},
    "l1": {"weight": 0.001},
    "l2": {"weight": 0.001},
    "memguard": {"hidden": [8], "epochs": 2, "steps": 2},
    "relaxloss": {"target": 1.0},
    "split-distillation": {"models": 4, "left_out": 2},
}
"""Parameters without a default, or that make a small run of a long one."""
DEFENCES = sorted(load_plugins().registry.definitions(Kind.DEFENCE))
GROW = {"dp-sgd": "random"}  # gradients to grow by would be the members' own
SOFTENED = {"learning_rate": [0.005]}


def prepared(defence: str, folder: Path) -> RunContext:
    """A race of two lineages that are trained with one defence."""
    spec = {
        "version": 1,
        "name": "twins",
        "device": "cpu",
        "task": {"data": {"type": "handwriting"}, "model": {"type": "mlp", "hidden": [16]}},
        "pools": {
            "members": 0.2,
            "attack_train": 0.4,
            "select": 0.3,
            "audit": 0.3,
            "reference": 0.5,
        },
        "training": {"epochs": 2, "batch_size": 128, "learning_rate": 0.01},
        "method": {
            "type": "test-driven",
            "density": 0.3,
            "rounds": 2,
            "field": [2, 1],
            "update_every": 1,
            "strategies": [
                {
                    "prune": {"type": "magnitude"},
                    "grow": {"type": GROW.get(defence, "gradient")},
                    "set": SOFTENED,
                }
            ],
            "defences": [{"type": defence, **REQUIRED.get(defence, {})}],
        },
        "attackers": [{"type": "counterfactual"}],
        "audit": {"attackers": [{"type": "loss-threshold"}]},
    }
    file = folder / "spec.yaml"
    file.write_text(json.dumps(spec))
    registry = load_plugins().registry
    return build_run_context(load_spec(file, registry=registry), registry)


def run_method(run_context: RunContext, folder: Path) -> MethodOutcome:
    """Its outcome, with a dense network of its own as the uncompressed one."""
    network = run_context.create_network()
    context = run_context.method_context(
        "method",
        big=lambda: network,
        checkpoints=Checkpoints(folder / "checkpoints"),
        archived=lambda name: folder / f"{name}.safetensors",
        events=EventLog(),
    )
    return run_context.method.run(context)


@pytest.mark.slow
@pytest.mark.parametrize("defence", DEFENCES)
def test_a_race_tests_every_defence_against_its_twin(defence: str, tmp_path: Path) -> None:
    """Two lineages, then one: each has been compared with a twin of the same defence."""
    run_context = prepared(defence, tmp_path)
    require_feasible(run_context)

    outcome = run_method(run_context, tmp_path)

    assert [len(round_["candidates"]) for round_ in outcome.rounds] == [2, 1]
    for round_ in outcome.rounds:
        for model in round_["candidates"]:
            attack = model["attacks"]["counterfactual"]
            exchanged = run_context.twin_samples.exchanged
            assert (attack["members"], attack["non_members"]) == (
                len(exchanged.members),
                len(exchanged.non_members),
            )
