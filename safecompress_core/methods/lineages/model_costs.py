"""Costs of models: exact figures of device measures, over those of the uncompressed model."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from safecompress_core.methods.method import MethodContext
from safecompress_core.training.training_state import TrainingState

__all__ = ["ModelCosts"]

# M measures

Array = NDArray[np.float64]


class ModelCosts:
    """Measures what the rule that chooses counts as costs.

    Args:
        context: of the method; its evaluator has the measures.
    """

    def __init__(self, context: MethodContext) -> None:
        self._context = context

    def of(self, state: TrainingState) -> Array:
        """Return the costs of a model as it is tested, shape (M,): 1 is the uncompressed model's.

        A measure that is 0 of the uncompressed model costs nothing of any.
        """
        if not self._context.evaluator.measures:
            return np.zeros(0)
        figures, whole = self._figures(state), self._reference
        costs: Array = np.divide(figures, whole, out=np.zeros(len(whole)), where=whole > 0)
        return costs

    @cached_property
    def _reference(self) -> Array:
        """Return the figures of a dense network, shape (M,): none depends on what it has learned.

        It has no output guard, as the uncompressed model has none.
        """
        context = self._context
        return self._figures(
            context.new_state(context.create_network(), None, context.settings([]))
        )

    def _figures(self, state: TrainingState) -> Array:
        evaluator = self._context.evaluator
        subject = evaluator.subject(state.shipped, file_bytes=len(self._context.model_bytes(state)))
        figures = [metric.measure(subject).value for metric in evaluator.measures.values()]
        return np.array(figures, dtype=np.float64)
