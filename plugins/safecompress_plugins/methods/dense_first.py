"""Two-phase methods: train dense, compress in one step, fine-tune."""

from collections.abc import Callable, Mapping
from typing import Any

from safecompress_core.toolkit import MethodContext, Phases, TrainingState
from safecompress_plugins.methods.schedules import boundary

__all__ = ["DENSE", "Done", "train_change_finetune"]

Done = tuple[TrainingState, Mapping[str, Any]]
"""The next phase's training state, and facts for the results."""

DENSE = "the dense network"


def train_change_finetune(
    context: MethodContext,
    phases: Phases,
    change: Callable[[TrainingState], Done],
    *,
    pretrain: float,
    name: str,
    what: str,
) -> None:
    """Run two phases, each with its own learning-rate schedule.

    Args:
        context: trains, and has the number of epochs.
        phases: run the work; they start from a dense network.
        change: compresses the trained network.
        pretrain: share of training before that, in (0, 1).
        name: of the second phase, in results.
        what: the compressed network's name, on the display.
    """
    train, end = context.trainer.train, context.recipe.epochs
    first = boundary(end, pretrain)

    def learn(state: TrainingState) -> Done:
        # `phase` restarts the schedule: fine-tuning begins at the full learning rate again.
        train(state, until=first, topology_schedule=None, what=DENSE, phase=(0, first))
        return state, {}

    def finetune(state: TrainingState) -> Done:
        small, facts = change(state)
        train(small, until=end, topology_schedule=None, what=what, phase=(first, end))
        return small, facts

    phases.do("pretrain", learn, epochs=first)
    phases.do(name, finetune, epochs=end - first)
