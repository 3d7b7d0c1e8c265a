"""Models that a round has tested, and their checkpoints where another process has tested them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from safecompress_core.methods.lineages.lineage_training import (
    Lineage,
    LineageTraining,
    TestedPair,
)
from safecompress_core.methods.lineages.model_figures import ModelFigures
from safecompress_core.training.settings import Settings

__all__ = ["TestedModel", "load_tested", "part_name", "save_tested"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TestedModel:
    """A model that a round has tested: a lineage, or a candidate that was derived from one.

    Attributes:
        lineage: the model, under the id that this round gives it.
        parent: id of the model that it comes from.
        strategy: what was changed of the parent; of a lineage, what distinguishes it from the spec.
        pair: model and twin as they were tested; None where another process has tested them.
        attacks: the attacks on it, JSON-ready.
        figures: what a selection compares.
    """

    __test__ = False  # no test class, whatever its name makes pytest believe

    lineage: Lineage
    parent: str
    strategy: str
    pair: TestedPair | None
    attacks: Mapping[str, Any]
    figures: ModelFigures


def part_name(round_number: int, lineage: int) -> str:
    """Return the checkpoint of a lineage that was trained and tested elsewhere; both from 1."""
    return f"round-{round_number}-lineage-{lineage}"


def save_tested(
    training: LineageTraining, name: str, model: TestedModel, events: list[dict[str, Any]]
) -> None:
    """Keep a tested lineage with the events of its test."""
    record = {
        "lineage": model.lineage.to_json(),
        "parent": model.parent,
        "strategy": model.strategy,
        "attacks": dict(model.attacks),
        "events": events,
    }
    states = [state.tensors() for state in model.lineage.states]
    training.context.checkpoints.save(name, record, [*states, model.figures.tensors()])


def load_tested(
    training: LineageTraining, name: str, written: Settings
) -> tuple[TestedModel, list[dict[str, Any]]] | None:
    """Return a tested lineage and its events; None if it is not there.

    Args:
        training: of lineages.
        name: of the checkpoint.
        written: settings that lend the types of their parameters.
    """
    checkpoint = training.context.checkpoints.load(name)
    if checkpoint is None:
        return None
    record, (*states, figures) = checkpoint
    model = TestedModel(
        lineage=training.restore(record["lineage"], states, written),
        parent=record["parent"],
        strategy=record["strategy"],
        pair=None,
        attacks=record["attacks"],
        figures=ModelFigures.restore(figures),
    )
    return model, record["events"]
