"""State of the test-driven loop after some rounds, and its checkpoint."""

from dataclasses import asdict, dataclass
from typing import Any

from safecompress_core.choose.archive import Archive, ArchiveEntry
from safecompress_core.errors import RunDirectoryError
from safecompress_core.methods.lineages.lineage_training import Lineage, LineageTraining
from safecompress_core.methods.method import MethodContext
from safecompress_core.methods.test_driven.tested_models import part_name
from safecompress_core.training.settings import Settings

__all__ = ["LoopState", "resume_lineage", "resume_state", "save_state"]


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
    for number, round_ in enumerate(state.rounds):
        context.checkpoints.drop(_name(number))
        for candidate in round_["candidates"]:
            context.checkpoints.drop(part_name(number + 1, candidate["lineage"]))
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


def resume_lineage(
    training: LineageTraining, written: Settings, *, rounds: int, position: int
) -> tuple[Lineage, tuple[dict[str, Any], ...]]:
    """Return one lineage after a round, and the rounds so far; the files of others are not read.

    Args:
        training: of lineages; its context has the checkpoints.
        written: settings of the spec; they lend the types of their parameters.
        rounds: how many were finished.
        position: of the lineage, from 1.

    Raises:
        RunDirectoryError: if there is no such checkpoint.
    """
    count, name = training.models, _name(rounds)
    models = range(count * (position - 1), count * position)
    checkpoint = training.context.checkpoints.load(name, models=models)
    if checkpoint is None:
        raise RunDirectoryError(f"{name}: the checkpoint is gone; run the same line again")
    record, tensors = checkpoint
    lineage = training.restore(record["lineages"][position - 1], tensors, written)
    return lineage, tuple(record["rounds"])


def _name(rounds: int) -> str:
    return f"round-{rounds}"
