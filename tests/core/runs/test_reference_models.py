"""Training reference models: methods on other halves, kept for whoever asks for them."""

import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from safecompress_core.context.reference_context import (
    assign_reference_members,
    build_reference_context,
)
from safecompress_core.context.run_context import RunContext
from safecompress_core.errors import SpecError
from safecompress_core.methods.lineages.evaluator import CandidateEvaluator
from safecompress_core.preflight.run_checks import require_feasible
from safecompress_core.results.checkpoints import Checkpoints
from safecompress_core.results.events import EventLog
from safecompress_core.runs.reference_models import ReferenceTraining, count_trainings
from safecompress_core.training.trainer import Trainer
from safecompress_core.training.training_state import TrainingState

Prepare = Callable[..., RunContext]
LIRA: dict[str, Any] = {"type": "lira", "references": 4}
PLAIN = {"type": "uncompressed"}
RIGL = {
    "type": "test-driven",
    "field": 1,
    "twins": False,
    "density": 0.3,
    "rounds": 1,
    "keep": False,
    "strategies": [{"prune": {"type": "magnitude"}, "grow": {"type": "gradient"}}],
}


def training(
    run_context: RunContext, folder: Path, told: list[Any], **further: Any
) -> ReferenceTraining:
    """Reference models of a run in a folder."""
    return ReferenceTraining(run_context, folder, events=EventLog(told.append), **further)


def test_answers_are_of_models_that_know_their_half(prepare: Prepare, tmp_path: Path) -> None:
    """Trained by the spec's method or as the baseline; of all samples, in the data set's order."""
    told: list[Any] = []
    run_context = prepare(
        audit__attackers=[LIRA], method=RIGL, training__epochs=12, training__learning_rate=0.03
    )
    models = training(run_context, tmp_path, told)
    assert count_trainings(run_context) == 8

    models.train()

    for is_dense in (True, False):
        references = models.of(is_dense=is_dense)
        assert references is not None
        assert torch.equal(references.is_in, assign_reference_members(run_context, 4))
        scores = references.log_confidences
        gap = scores[references.is_in].mean() - scores[~references.is_in].mean()
        assert gap > 0.01
    events = [(e["model"], e["reference"]) for e in told]
    assert events == [(m, n) for m in ("uncompressed", "compressed") for n in (1, 2, 3, 4)]
    assert told[-1]["done"] == 8


def test_what_is_there_is_not_trained_again(prepare: Prepare, tmp_path: Path) -> None:
    """Only what is missing is, and the answers are the same bytes."""
    told: list[Any] = []
    run_context = prepare(audit__attackers=[LIRA], method=PLAIN)
    training(run_context, tmp_path, told).train()
    folder = tmp_path / "checkpoints" / "references"
    before = {path: path.read_bytes() for path in folder.rglob("*.safetensors")}
    Checkpoints(folder).drop(sorted(before)[1].parent.name)

    training(run_context, tmp_path, told).train()

    assert len(told) == 4 + 1
    assert {path: path.read_bytes() for path in folder.rglob("*.safetensors")} == before


def test_plain_training_shares_its_reference_models_with_the_baseline(prepare: Prepare) -> None:
    """They are the same models; a defence makes them others."""
    plain = prepare(audit__attackers=[LIRA], method=PLAIN)
    defended = prepare(audit__attackers=[LIRA], method={**PLAIN, "defences": [{"type": "l2"}]})

    assert count_trainings(plain) == 4
    assert count_trainings(defended) == 8


def test_a_method_that_inherits_trains_its_own_uncompressed_model_first(
    prepare: Prepare, tmp_path: Path
) -> None:
    """On the reference model's half, never the one of the run."""
    initial = {"type": "erdos-renyi-kernel", "weights": "inherit"}
    run_context = prepare(
        audit__attackers=[LIRA], method={**RIGL, "initial": initial}, training__epochs=1
    )
    models = training(run_context, tmp_path, [])

    models.train(kinds=(False,))

    assert models.of(is_dense=False) is not None


def test_too_few_reference_models_for_the_pools_are_told_before_training(prepare: Prepare) -> None:
    """A fifth as members takes ten of them, for each sample to be in two."""
    run_context = prepare(audit__attackers=[{**LIRA, "references": 8}], pools={"members": 0.2})

    with pytest.raises(SpecError) as caught:
        require_feasible(run_context)

    assert str(caught.value).endswith(
        "audit.attackers.0.references: 'lira' asks for 8 reference models, but with these pools it "
        "takes 10 for each sample to be in 2 of them and out of 2; write at least 10"
    )


SELECTING: dict[str, Any] = {
    "audit__attackers": [LIRA],
    "method": {**RIGL, "rounds": 2, "keep": True},
    "training__epochs": 4,
}


def lineage_of(run_context: RunContext, folder: Path) -> Mapping[str, Any]:
    """The path of the model that the method of a run chooses."""
    context = run_context.method_context(
        "method",
        big=None,
        checkpoints=Checkpoints(folder / "checkpoints" / "method"),
        archived=lambda name: folder / "archive" / f"{name}.safetensors",
        events=EventLog(),
    )
    return run_context.method.run(context).lineage


def test_references_replay_the_lineage_of_the_chosen_model(
    prepare: Prepare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One training each, without candidates and tests; the epochs are those of one model."""
    run_context = prepare(**SELECTING)
    lineage = lineage_of(run_context, tmp_path)
    trained: list[int] = []
    train = Trainer.train

    def train_and_count(self: Trainer, state: TrainingState, **how: Any) -> None:
        before = state.epoch
        train(self, state, **how)
        trained.append(state.epoch - before)

    monkeypatch.setattr(Trainer, "train", train_and_count)
    monkeypatch.delattr(CandidateEvaluator, "evaluate")
    models = training(run_context, tmp_path, [], lineage=lineage)

    models.train(kinds=(False,))

    assert models.of(is_dense=False) is not None
    assert sum(trained) == 4 * 4


def test_another_audit_finds_the_references_of_the_same_lineage(
    prepare: Prepare, tmp_path: Path
) -> None:
    """Whatever tests and attacks there are; another lineage or a re-run has others."""
    first = prepare(**SELECTING)
    lineage = lineage_of(first, tmp_path)
    training(first, tmp_path, [], lineage=lineage).train()
    told: list[Any] = []
    rmia = {"type": "rmia", "references": 4}
    second = prepare(
        **{**SELECTING, "audit__attackers": [rmia], "attackers": [{"type": "entropy"}]}
    )

    def train_missing(run_context: RunContext, lineage: Mapping[str, Any]) -> int:
        told.clear()
        training(run_context, tmp_path, told, lineage=lineage).train(kinds=(False,))
        return len(told)

    other = {**lineage, "settings": {**lineage["settings"], "learning_rate": 0.02}}
    rerun = prepare(**SELECTING, audit__references={"method": "rerun"})
    assert train_missing(second, lineage) == 0
    assert train_missing(first, other) == 4
    assert train_missing(rerun, lineage) == 4


def test_a_reference_model_leaves_nothing_in_memory(
    prepare: Prepare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its context, with a copy of its members, is gone before the next one is built."""
    living: list[weakref.ref[RunContext]] = []

    def build(run_context: RunContext, index: int) -> RunContext:
        assert [context for context in living if context() is not None] == []
        built = build_reference_context(run_context, index)
        living.append(weakref.ref(built))
        return built

    monkeypatch.setattr("safecompress_core.runs.reference_models.build_reference_context", build)

    training(prepare(audit__attackers=[LIRA], method=PLAIN), tmp_path, []).train()

    assert len(living) == 4
