"""State of the test-driven loop after some rounds, and its checkpoint."""

from dataclasses import asdict, dataclass
from typing import Any

from safecompress_core.choose.archive import Archive, ArchiveEntry
from safecompress_core.methods.method import MethodContext
from safecompress_core.training.settings import Settings
from safecompress_core.training.training_state import TrainingState

__all__ = ["BeamModel", "LoopState", "resume_state", "save_state"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BeamModel:
    """A model that goes from round to round."""

    id: str
    state: TrainingState


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopState:
    """State of a run after its last finished round.

    Attributes:
        beam: the models that go on, the one that the aggregator likes best first.
        rounds: what happened, JSON-ready.
        archive: the non-dominated models so far.
    """

    beam: tuple[BeamModel, ...]
    rounds: tuple[dict[str, Any], ...]
    archive: Archive


def save_state(context: MethodContext, state: LoopState) -> None:
    """Make a checkpoint; only then drop what the one before it needed."""
    record = {
        "beam": [
            {
                "id": beam_model.id,
                "epoch": beam_model.state.epoch,
                "settings": beam_model.state.settings.to_json(),
            }
            for beam_model in state.beam
        ],
        "rounds": state.rounds,
        "archive": [asdict(entry) for entry in state.archive.entries],
    }
    models = [beam_model.state.tensors() for beam_model in state.beam]
    context.checkpoints.save(_name(len(state.rounds)), record, models)
    # All earlier ones, since a killed run may not have dropped its last.
    for number in range(len(state.rounds)):
        context.checkpoints.drop(_name(number))
    stays = {entry.id for entry in state.archive.entries}
    tested = {candidate["id"] for round_ in state.rounds for candidate in round_["candidates"]}
    # Files of models that have left the archive, only after the checkpoint is written.
    for model in tested - stays:
        context.archive_path(model).unlink(missing_ok=True)


def resume_state(context: MethodContext, settings: Settings, *, rounds: int) -> LoopState | None:
    """The state after the last round that was kept; None where none was.

    Args:
        context: where checkpoints are.
        settings: those that the run started from; they lend the types of their parameters.
        rounds: how many there are in all.
    """
    names = map(_name, range(rounds, 0, -1))
    checkpoint = next(filter(None, map(context.checkpoints.load, names)), None)
    if checkpoint is None:
        return None
    record, models = checkpoint
    beam = tuple(
        BeamModel(
            id=model_record["id"],
            # Checkpoints hold numbers; the starting settings know the types of the parameters.
            state=context.restore_state(
                tensors, settings.restore(model_record["settings"]), epoch=model_record["epoch"]
            ),
        )
        for model_record, tensors in zip(record["beam"], models, strict=True)
    )
    archive = Archive(
        weights=tuple(context.evaluator.weights.tolist()),
        entries=tuple(
            ArchiveEntry(entry["id"], entry["performance"], tuple(entry["advantage"]))
            for entry in record["archive"]
        ),
    )
    return LoopState(beam=beam, rounds=tuple(record["rounds"]), archive=archive)


def _name(rounds: int) -> str:
    return f"round-{rounds}"
