"""Training of a student: a model of another architecture, taught by the uncompressed model."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from safecompress_core.api import Params
from safecompress_core.toolkit import (
    Defence,
    DefenceInputs,
    MethodContext,
    MethodOutcome,
    Phases,
    TrainingState,
)

__all__ = ["train_student"]


def train_student(
    context: MethodContext,
    model: Params,
    defences: list[Params],
    lesson: Defence,
    *,
    describe: Callable[[TrainingState], Mapping[str, Any]] = lambda _: {},
) -> MethodOutcome:
    """Train a student for ``training.epochs`` epochs, or load the one of an earlier run.

    Args:
        context: of the method.
        model: the student's architecture.
        defences: the spec's, which the student is trained with.
        lesson: the method's own loss; it is given the teacher.
        describe: what results say of the trained student, JSON-ready.
    """
    epochs = context.recipe.epochs
    make = partial(context.architecture.build, model)
    settings = context.settings(defences)
    # The student has another architecture, so phases build their checkpoints' network from `make`.
    phases = Phases(
        context,
        settings,
        count=1,
        start=lambda: context.new_state(make(), None, settings),
        network=make,
    )

    def distil(state: TrainingState) -> tuple[TrainingState, Mapping[str, Any]]:
        # Equipped here and not by the trainer: it is the method's own loss, no defence of the spec.
        lesson.equip(DefenceInputs(teacher=context.teacher()))
        context.trainer.train(
            state,
            until=epochs,
            topology_schedule=None,
            what="the student",
            method_defences=[lesson],
        )
        return state, describe(state)

    phases.do("distil", distil, epochs=epochs)
    return phases.outcome(model=model, teacher="uncompressed", teacher_epochs=epochs)
