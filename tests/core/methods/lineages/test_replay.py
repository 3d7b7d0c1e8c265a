"""Replay of the path of a chosen model."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from safecompress_core.context.reference_context import build_reference_context
from safecompress_core.context.run_context import RunContext
from safecompress_core.methods.lineages.evaluator import CandidateEvaluator
from safecompress_core.methods.lineages.replay import LineagePath
from safecompress_core.methods.method import MethodContext, MethodOutcome
from safecompress_core.results.checkpoints import Checkpoints
from safecompress_core.results.events import EventLog
from safecompress_core.training.training_state import TrainingState

Prepare = Callable[..., RunContext]

GRADIENT = {"prune": {"type": "magnitude"}, "grow": {"type": "gradient"}}
RANDOM = {"prune": {"type": "magnitude"}, "grow": {"type": "random"}}
CHANGES: dict[str, Any] = {
    "training__epochs": 6,
    "method__rounds": 2,
    "method__beam": 2,
    "method__confidence": 0,
    "method__update_every": 2,
    "method__defences": [
        {"type": "l2", "weight": 0.01},
        {"type": "gradient-reversal", "attribute": "digit", "weight": 0.1},
    ],
    "method__strategies": [
        GRADIENT,
        {**RANDOM, "set": {"l2.weight": {"factor": [0.5, 2]}, "density": {"factor": 0.8}}},
    ],
}


def run(run_context: RunContext, folder: Path) -> tuple[MethodContext, MethodOutcome]:
    """Run a method in a folder."""
    context = context_in(run_context, folder)
    return context, run_context.method.run(context)


def context_in(run_context: RunContext, folder: Path) -> MethodContext:
    """The method's context, with what it keeps in a folder."""
    return run_context.method_context(
        "method",
        big=None,
        checkpoints=Checkpoints(folder / "checkpoints"),
        archived=lambda name: folder / "archive" / f"{name}.safetensors",
        events=EventLog(),
    )


def file_of(context: MethodContext, state: TrainingState, path: Path) -> bytes:
    """The model file of a training state."""
    context.store(state, path)
    return path.read_bytes()


def refuse(*_: Any, **__: Any) -> None:
    """Stand for what must not be called."""
    raise AssertionError


@pytest.mark.parametrize(
    "changes",
    [
        CHANGES,
        # Only changed candidates: each round updates the topology, and makes it sparser.
        {**CHANGES, "method__keep": False, "method__strategies": CHANGES["method__strategies"][1:]},
        # Weights move between layers, at the start and in a round.
        {
            **CHANGES,
            "method__strategies": [
                GRADIENT,
                {**RANDOM, "set": {"density.1.weight": {"factor": [0.5, 3]}}},
            ],
        },
        # A race, whose lineages start from either kind of weights.
        {
            **CHANGES,
            "method__field": [5, 2],
            "method__derive_at": 2,
            "method__initial": {"type": "erdos-renyi-kernel", "weights": ["random", "inherit"]},
        },
        {
            **CHANGES,
            "method__tests_from": 0.4,
            "method__initial": {"type": "erdos-renyi-kernel", "weights": "inherit"},
        },
    ],
)
def test_a_replay_in_the_runs_own_context_gives_the_same_bytes(
    prepare: Prepare, tmp_path: Path, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Topology updates, changed settings and trained defences included; nothing is tested."""
    run_context = prepare(**changes)
    context, outcome = run(run_context, tmp_path / "run")
    for name in ("fit_attackers", "evaluate"):
        monkeypatch.setattr(CandidateEvaluator, name, refuse)

    again = context_in(run_context, tmp_path / "replay")
    state = run_context.method.replay(again, outcome.lineage)

    chosen = file_of(context, outcome.chosen, tmp_path / "chosen")
    assert file_of(again, state, tmp_path / "replayed") == chosen
    assert (state.epoch, state.settings) == (outcome.chosen.epoch, outcome.chosen.settings)


def test_a_resumed_run_has_the_same_lineage(prepare: Prepare, tmp_path: Path) -> None:
    """Records that a checkpoint gave back describe the same path."""
    run_context = prepare(**CHANGES)
    _, outcome = run(run_context, tmp_path)
    _, resumed = run(run_context, tmp_path)

    assert resumed.lineage == outcome.lineage
    assert LineagePath.from_json(outcome.lineage).to_json() == outcome.lineage


def test_a_replay_trains_a_reference_model_on_its_own_half(
    prepare: Prepare, tmp_path: Path
) -> None:
    """Another model of the same settings."""
    run_context = prepare(audit__attackers=[{"type": "lira", "references": 4}], **CHANGES)
    context, outcome = run(run_context, tmp_path / "run")
    reference = build_reference_context(run_context, 0)
    other = context_in(reference, tmp_path / "reference")

    state = reference.method.replay(other, outcome.lineage)

    assert (state.epoch, state.density) == (outcome.chosen.epoch, outcome.chosen.density)
    assert state.settings == outcome.chosen.settings
    assert file_of(other, state, tmp_path / "a") != file_of(context, outcome.chosen, tmp_path / "b")
