"""Trials of a search, their tests, and their checkpoints."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from safecompress_core.api import Start
from safecompress_core.methods.lineages.lineage_settings import LineageSettings
from safecompress_core.methods.lineages.model_figures import ModelFigures
from safecompress_core.methods.method import MethodContext
from safecompress_core.training.settings import Settings
from safecompress_core.training.training_state import TrainingState

__all__ = ["Trial", "TrialTest", "load_trials", "restore_model", "save_trial", "trial_name"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialTest:
    """Test of a trial at one of its reports.

    Attributes:
        id: of the model that was tested.
        epoch: how long it had been trained.
        density: its share of active weights.
        defences: facts that its defences report, JSON-ready.
        attacks: the attacks on it, JSON-ready.
        figures: what a selection compares.
    """

    id: str
    epoch: int
    density: float
    defences: Mapping[str, Any]
    attacks: Mapping[str, Any]
    figures: ModelFigures

    def to_json(self) -> dict[str, Any]:
        """Return plain values, without the figures."""
        return {
            "id": self.id,
            "epoch": self.epoch,
            "density": self.density,
            "defences": dict(self.defences),
            "attacks": dict(self.attacks),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A trial that has ended.

    Attributes:
        number: of the trial, from 1.
        drawn: its settings.
        values: what Optuna calls them: the value of each distribution.
        attributes: what Optuna notes of the trial, JSON-ready.
        tests: one for each report that it reached.
        is_pruned: whether it ended before its last epoch.
    """

    number: int
    drawn: LineageSettings
    values: Mapping[str, Any]
    attributes: Mapping[str, Any]
    tests: tuple[TrialTest, ...]
    is_pruned: bool

    @property
    def epochs(self) -> int:
        """Return how long its model was trained."""
        return self.tests[-1].epoch


def save_trial(context: MethodContext, trial: Trial, state: TrainingState) -> None:
    """Keep a trial and, where it was trained to its end, its model."""
    record = {
        "name": trial.drawn.name,
        "start": trial.drawn.start,
        "settings": trial.drawn.settings.to_json(),
        "values": dict(trial.values),
        "attributes": dict(trial.attributes),
        "tests": [test.to_json() for test in trial.tests],
        "is_pruned": trial.is_pruned,
    }
    tensors: list[Mapping[str, Tensor]] = [test.figures.tensors() for test in trial.tests]
    # A pruned model is never chosen.
    if not trial.is_pruned:
        tensors.append(state.tensors())
    context.checkpoints.save(trial_name(trial.number), record, tensors)


def load_trials(context: MethodContext, written: Settings) -> tuple[Trial, ...]:
    """Return the trials that an earlier attempt has finished.

    Args:
        context: of the method.
        written: settings of the spec; they lend the types of their parameters.
    """
    trials: list[Trial] = []
    while (checkpoint := context.checkpoints.load(trial_name(len(trials) + 1))) is not None:
        record, tensors = checkpoint
        start: Start = record["start"]
        settings = written.restore(record["settings"])
        trials.append(
            Trial(
                number=len(trials) + 1,
                drawn=LineageSettings(record["name"], start, settings),
                values=record["values"],
                attributes=record["attributes"],
                tests=tuple(
                    TrialTest(**test, figures=ModelFigures.restore(figures))
                    # A finished trial has its model after the figures.
                    for test, figures in zip(record["tests"], tensors, strict=False)
                ),
                is_pruned=record["is_pruned"],
            )
        )
    return tuple(trials)


def restore_model(context: MethodContext, trial: Trial) -> TrainingState:
    """Return the model of a trial that was trained to its end."""
    checkpoint = context.checkpoints.load(trial_name(trial.number))
    assert checkpoint is not None  # kept when the trial ended
    return context.restore_state(checkpoint[1][-1], trial.drawn.settings, epoch=trial.epochs)


def trial_name(number: int) -> str:
    """Return the checkpoint of a trial by its number, from 1."""
    return f"trial-{number}"
