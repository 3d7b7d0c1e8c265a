"""Uncompressed models of other seeds."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from safecompress_core.context.run_context import RunContext
from safecompress_core.results.directory import RunDirectory
from safecompress_core.results.events import EventLog
from safecompress_core.runs.retraining import Retraining
from safecompress_core.saved_models.storage import load_model
from safecompress_core.training.trainer import Trainer

Prepare = Callable[..., RunContext]


def train(run_context: RunContext, folder: Path, shared: Path | None = None) -> list[Tensor]:
    """The head of each re-trained model of a run in a folder."""
    with RunDirectory(folder) as directory:
        models = Retraining(run_context, directory, events=EventLog(), shared=shared).train()
    return [model.network.head.weight.detach() for model in models]


def test_models_differ_in_their_seed_alone(prepare: Prepare, tmp_path: Path) -> None:
    """Each is written, and the same run has the same ones again."""
    run_context = prepare(baseline={"retrained": 2}, training__epochs=2)

    first, second = train(run_context, tmp_path / "a")

    assert not torch.equal(first, second)
    assert all(map(torch.equal, train(run_context, tmp_path / "b"), [first, second]))
    stored = load_model(tmp_path / "a/retrained/1.safetensors").state
    assert any(torch.equal(tensor, second) for tensor in stored.values())


def test_runs_that_share_an_uncompressed_model_share_those_that_are_trained_again(
    prepare: Prepare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the method; nothing is trained a second time."""
    shared = tmp_path / "shared"
    settings = {"baseline": {"retrained": True}, "training__epochs": 2}
    [once] = train(prepare(**settings), tmp_path / "a", shared)
    monkeypatch.delattr(Trainer, "train")

    [again] = train(prepare(**settings, method__density=0.6), tmp_path / "b", shared)

    assert torch.equal(once, again)


def test_no_model_is_trained_again_unless_the_spec_asks_for_it(
    prepare: Prepare, tmp_path: Path
) -> None:
    """By default there is none, and no folder for any."""
    assert train(prepare(), tmp_path) == []
    assert not (tmp_path / "retrained").exists()
