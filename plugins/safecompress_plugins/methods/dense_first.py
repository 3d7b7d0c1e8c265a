"""A dense network that is trained, made into a smaller one at once, and trained on."""

from collections.abc import Callable, Mapping
from typing import Any

from safecompress_core.toolkit import Learner, Phases, Workshop
from safecompress_plugins.methods.schedules import boundary

__all__ = ["DENSE", "Done", "train_change_finetune"]

Done = tuple[Learner, Mapping[str, Any]]
"""The learner that goes on, and what should be known of it."""

DENSE = "the dense network"


def train_change_finetune(
    workshop: Workshop,
    phases: Phases,
    change: Callable[[Learner], Done],
    *,
    pretrain: float,
    name: str,
    what: str,
) -> None:
    """Two phases, each with a learning-rate schedule of its own.

    Args:
        workshop: trains, and says for how long in all.
        phases: does them; they start from a dense network.
        change: makes the smaller network of the trained one.
        pretrain: share of training before it, in (0, 1).
        name: what results call the phase of the smaller one.
        what: what the display calls the smaller one.
    """
    train, end = workshop.trainer.train, workshop.recipe.epochs
    first = boundary(end, pretrain)

    def learn(learner: Learner) -> Done:
        train(learner, until=first, evolution=None, what=DENSE, phase=(0, first))
        return learner, {}

    def finetune(learner: Learner) -> Done:
        small, facts = change(learner)
        train(small, until=end, evolution=None, what=what, phase=(first, end))
        return small, facts

    phases.do("pretrain", learn, epochs=first)
    phases.do(name, finetune, epochs=end - first)
