"""Quantisation: int8 weights, after training or simulated in its last part."""

from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor

from safecompress_core.api import Params
from safecompress_core.toolkit import (
    Architecture,
    Classifier,
    Method,
    MethodContext,
    MethodOutcome,
    Phases,
    Problem,
    Recipe,
    TrainingState,
)
from safecompress_plugins.finishers.coding_error import coding_error
from safecompress_plugins.finishers.integer_weights import int8
from safecompress_plugins.methods.dense_first import DENSE, Done
from safecompress_plugins.methods.hardware_manifest import QuantizeParams
from safecompress_plugins.methods.projection import Projected
from safecompress_plugins.methods.schedules import boundary

__all__ = ["FakeQuantisation", "Quantize"]


class FakeQuantisation(Projected):
    """Training with the weights' int8 values, in floating point.

    Source: Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient
    Integer-Arithmetic-Only Inference", section 3.
    """

    def projection(self, name: str, weight: Tensor) -> Tensor:
        """Return the nearest representable weights."""
        return int8(weight).weight()


class Quantize(Method):
    """Dense training, with ``aware`` ending in fake quantisation; then int8.

    Prunable weights are quantised, each output channel with its own scale; biases, normalisation
    and activations are unchanged. The resulting network holds exactly the int8 values' weights, so
    that observations, attacks and metrics are those of the stored model.
    """

    def __init__(self, params: QuantizeParams) -> None:
        self._params = params

    def units(self) -> int:
        """Count the phases."""
        return 3 if self._params.aware else 2

    def check(
        self,
        network: Classifier,
        recipe: Recipe,
        create: Callable[[Params], Any],
        architecture: Architecture,
    ) -> Iterator[Problem]:
        """Report training phases without an epoch."""
        if self._params.aware and recipe.epochs < 2:
            message = f"training.epochs is {recipe.epochs}; the method has 2 training phases"
            yield Problem(
                path=("aware",), message=message, hint="write training.epochs: 2, or more"
            )

    def run(self, context: MethodContext) -> MethodOutcome:
        """Run all phases, from the last checkpoint."""
        params, train, end = self._params, context.trainer.train, context.recipe.epochs
        # Without `aware` all epochs are dense, and quantisation is a phase without training.
        first = boundary(end, params.pretrain) if params.aware else end
        phases = Phases.of_dense(context, params.defences, count=self.units())

        def pretrain(state: TrainingState) -> Done:
            train(state, until=first, topology_schedule=None, what=DENSE)
            return state, {}

        def adapt(state: TrainingState) -> Done:
            fake_quantisation = [FakeQuantisation(state.weights)]
            train(
                state,
                until=end,
                topology_schedule=None,
                what="the quantised network",
                method_defences=fake_quantisation,
            )
            return state, {}

        def quantise(state: TrainingState) -> Done:
            # Before quantising: the error is relative to the trained weights.
            before = {name: weight.detach().cpu() for name, weight in state.weights.items()}
            quantised = {name: int8(weight) for name, weight in before.items()}
            facts = {"error": coding_error(before, quantised)}
            # The network keeps the dequantised weights from here on; nothing trains it any more.
            state.encode(quantised)
            return state, facts

        phases.do("train", pretrain, epochs=first)
        if params.aware:
            phases.do("train as int8", adapt, epochs=end - first)
        phases.do("quantise", quantise, epochs=0)
        return phases.outcome()
