"""Distillation: a small dense student trained on the uncompressed model's outputs."""

from collections.abc import Callable, Iterator
from typing import Any

from safecompress_core.api import Params
from safecompress_core.toolkit import (
    Architecture,
    Classifier,
    Method,
    MethodContext,
    MethodOutcome,
    Problem,
    Recipe,
    SafeCompressError,
)
from safecompress_plugins.defences.manifest import DistillationParams
from safecompress_plugins.defences.training.distillation import Distillation
from safecompress_plugins.methods.manifest import DistillParams
from safecompress_plugins.methods.student import train_student

__all__ = ["Distill", "widest"]

FINEST = 4096
"""Number of width steps in the search for the widest student."""


class Distill(Method):
    """Trains a student with the loss of the defence ``distillation``.

    The teacher is the uncompressed model, with as many training epochs of its own.

    Source: Hinton, Vinyals & Dean 2015, "Distilling the Knowledge in a Neural Network", section 2.
    """

    def __init__(self, params: DistillParams) -> None:
        self._params = params

    def units(self) -> int:
        """Count the models: one student."""
        return 1

    def check(
        self,
        network: Classifier,
        recipe: Recipe,
        create: Callable[[Params], Any],
        architecture: Architecture,
    ) -> Iterator[Problem]:
        """Report a student with other inputs or classes, or with too many weights."""
        most = self._most(network)
        student = self._params.student
        if student is None:
            if architecture.narrow(1.0) is None:
                message = "the spec's model has no narrower variant"
                hint = "write the student's architecture, as in task.model"
                yield Problem(path=("student",), message=message, hint=hint)
            elif widest(architecture, most) is None:
                message = f"even the narrowest student has more than the allowed {most} weights"
                yield Problem(path=("density",), message=message, hint="increase density")
            return
        # Any student may be named in the spec, so its construction can fail in any way of its own.
        try:
            built = architecture.build(student)
            weights = _weights(built)
        except SafeCompressError as error:
            yield Problem(path=("student",), message=str(error), hint="use another architecture")
            return
        classes = network.head.out_features
        if built.head.out_features != classes:
            message = f"the student has {built.head.out_features} outputs, the model {classes}"
            yield Problem(path=("student",), message=message, hint="use another architecture")
        elif weights > most:
            message = f"the student has {weights} weights; density allows {most}"
            yield Problem(
                path=("student",), message=message, hint="make it narrower, or increase density"
            )

    def trainee(self, architecture: Architecture) -> Params:
        """Return the student's architecture."""
        most = self._most(architecture.build(architecture.model))
        model = self._params.student or widest(architecture, most)
        assert model is not None  # check reports it otherwise
        return model

    def run(self, context: MethodContext) -> MethodOutcome:
        """Train the student, or load the one of an earlier run."""
        model = self.trainee(context.architecture)
        distillation = Distillation(
            DistillationParams(temperature=self._params.temperature, alpha=self._params.alpha)
        )
        return train_student(context, model, self._params.defences, distillation)

    def _most(self, network: Classifier) -> int:
        """Return the student's maximum number of weights."""
        return round(self._params.density * _weights(network))


def widest(architecture: Architecture, most: int) -> Params | None:
    """Return the widest variant of the spec's model with at most ``most`` prunable weights.

    None if there is no narrower variant, or even the narrowest has more.
    """

    def fits(step: int) -> Params | None:
        model = architecture.narrow(step / FINEST)
        if model is None or _weights(architecture.build(model)) > most:
            return None
        return model

    # Bisection: the number of weights does not decrease with the width.
    best, low, high = fits(1), 1, FINEST + 1
    while best is not None and high - low > 1:
        middle = (low + high) // 2
        model = fits(middle)
        if model is None:
            high = middle
        else:
            best, low = model, middle
    return best


def _weights(network: Classifier) -> int:
    """Count the prunable weights."""
    return sum(weight.numel() for weight in network.sparse_parameters().values())
