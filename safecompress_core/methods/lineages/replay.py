"""Path of a model from its first weights, and its replay: training without tests.

A path holds all that decided on a model's training: the settings that its lineage began with, those
of each round, and whether a topology was updated. So a replay with the run's own context gives the
same bytes, and one with other members and another seed is what the choices of the run make of
those.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from safecompress_core.api import Start
from safecompress_core.methods.lineages.lineage_settings import LineageSettings
from safecompress_core.methods.lineages.lineage_training import LineageTraining
from safecompress_core.methods.method import MethodContext
from safecompress_core.methods.sparse_training import SparseTraining
from safecompress_core.training.training_state import TrainingState

__all__ = ["LineagePath", "PathStep", "replay_path"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PathStep:
    """One round of a path.

    Attributes:
        middle: epoch at which a candidate is derived; None in a round that derives none.
        end: epoch at the end of the round.
        settings: of the model that the round tested, JSON-ready.
        is_evolved: whether the topology is updated at ``middle``, by the rule of ``settings``.
    """

    middle: int | None
    end: int
    settings: Mapping[str, Any]
    is_evolved: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LineagePath:
    """Path from first weights to a chosen model.

    Attributes:
        start: source of the first weights: ``random``, ``inherit`` or ``pretrained``.
        settings: those that the lineage began with, JSON-ready.
        steps: one for each round.
    """

    start: Start
    settings: Mapping[str, Any]
    steps: tuple[PathStep, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Return the path that ``to_json`` recorded."""
        steps = tuple(PathStep(**step) for step in record["steps"])
        return cls(**{**record, "steps": steps})


def replay_path(
    context: MethodContext, training: SparseTraining, path: LineagePath
) -> TrainingState:
    """Train a model as the one at the end of a path was trained, on the context's members.

    Args:
        context: of the run itself, or of a reference model.
        training: the sparse training of the run's method.
        path: what is repeated.
    """
    # A path holds plain values; these settings know the types of the parameters.
    written = training.settings(context)
    lineages = LineageTraining(context, training, twins=False)
    what = "a replay of the chosen model"
    drawn = LineageSettings(what, path.start, written.restore(path.settings))
    lineage = lineages.start(1, drawn)
    for step in path.steps:
        if step.middle is not None:
            lineages.train(lineage, until=step.middle, what=what)
            settings = written.restore(step.settings)
            rule = settings.rule if step.is_evolved else None
            lineage = lineages.branch(lineage, settings, model=lineage.id, rule=rule)
        # Round by round, since an output guard learns at the end of each training.
        lineages.train(lineage, until=step.end, what=what, is_derived=step.middle is not None)
    return lineage.state
