"""State of the test-driven loop after some rounds, and its checkpoint."""

from dataclasses import asdict, dataclass
from typing import Any

from safecompress_core.choose.archive import Archive, ArchiveEntry
from safecompress_core.methods.lineages.lineage_training import Lineage, LineageTraining
from safecompress_core.methods.method import MethodContext
from safecompress_core.training.settings import Settings

__all__ = ["LoopState", "resume_state", "save_state"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopState:
    """State of a run after its last finished round.

    Attributes:
        lineages: the models that go on, the one that the aggregator likes best first.
        rounds: what happened, JSON-ready.
        archive: the non-dominated models so far.
    """

    lineages: tuple[Lineage, ...]
    rounds: tuple[dict[str, Any], ...]
    archive: Archive


def save_state(context: MethodContext, state: LoopState) -> None:
    """Make a checkpoint; only then drop what the one before it needed."""
    record = {
        "lineages": [lineage.to_json() for lineage in state.lineages],
        "rounds": state.rounds,
        "archive": [asdict(entry) for entry in state.archive.entries],
    }
    # Model and twin one after the other, as often as there are lineages.
    models = [kept.tensors() for lineage in state.lineages for kept in lineage.states]
    context.checkpoints.save(_name(len(state.rounds)), record, models)
    # All earlier ones, since a killed run may not have dropped its last.
    for number in range(len(state.rounds)):
        context.checkpoints.drop(_name(number))
    stays = {entry.id for entry in state.archive.entries}
    tested = {candidate["id"] for round_ in state.rounds for candidate in round_["candidates"]}
    # Files of models that have left the archive, only after the checkpoint is written.
    for model in tested - stays:
        context.archive_path(model).unlink(missing_ok=True)


def resume_state(training: LineageTraining, written: Settings, *, rounds: int) -> LoopState | None:
    """The state after the last round that was kept; None where none was.

    Args:
        training: of lineages; its context has the checkpoints.
        written: settings of the spec; they lend the types of their parameters.
        rounds: how many there are in all.
    """
    context = training.context
    names = map(_name, range(rounds, 0, -1))
    checkpoint = next(filter(None, map(context.checkpoints.load, names)), None)
    if checkpoint is None:
        return None
    record, models = checkpoint
    count = training.models
    lineages = tuple(
        training.restore(kept, models[count * index : count * (index + 1)], written)
        for index, kept in enumerate(record["lineages"])
    )
    archive = Archive(
        weights=tuple(context.evaluator.weights.tolist()),
        entries=tuple(
            ArchiveEntry(
                entry["id"],
                entry["performance"],
                tuple(entry["advantage"]),
                tuple(entry["attack_accuracy"]),
                entry["costs"],
            )
            for entry in record["archive"]
        ),
    )
    return LoopState(lineages=lineages, rounds=tuple(record["rounds"]), archive=archive)


def _name(rounds: int) -> str:
    return f"round-{rounds}"
