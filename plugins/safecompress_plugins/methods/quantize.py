"""Quantisation: every weight in int8, after training or for the last part of it."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import Tensor

from safecompress_core.api import Params
from safecompress_core.toolkit import (
    Architecture,
    Classifier,
    Flaw,
    Learner,
    Method,
    Outcome,
    Phases,
    Recipe,
    Workshop,
)
from safecompress_plugins.methods.dense_first import DENSE, Done
from safecompress_plugins.methods.hardware_manifest import QuantizeParams
from safecompress_plugins.methods.int8 import int8
from safecompress_plugins.methods.projection import Projected
from safecompress_plugins.methods.schedules import boundary

__all__ = ["FakeQuantisation", "Quantize"]


class FakeQuantisation(Projected):
    """The batch sees the weights that int8 would have, in floating point.

    Source: Jacob et al. 2018, "Quantization and Training of Neural Networks for Efficient
    Integer-Arithmetic-Only Inference", section 3.
    """

    def projection(self, name: str, weight: Tensor) -> Tensor:
        """The nearest of the weights that int8 has."""
        return int8(weight).weight()


class Quantize(Method):
    """Dense training, with ``aware`` through fake quantisation at its end; then int8.

    What is quantised are the weights that may be sparse, each output channel with its own scale;
    biases, normalisation and activations stay as they are. The network that is left behind has
    the very weights that its int8 values stand for, so what is observed, attacked and measured is
    the model that ships.
    """

    def __init__(self, params: QuantizeParams) -> None:
        self._params = params

    def units(self) -> int:
        """Its phases."""
        return 3 if self._params.aware else 2

    def flaws(
        self,
        network: Classifier,
        recipe: Recipe,
        create: Callable[[Params], Any],
        architecture: Architecture,
    ) -> Iterator[Flaw]:
        """Each phase that trains needs an epoch."""
        if self._params.aware and recipe.epochs < 2:
            message = f"training.epochs is {recipe.epochs}, and the method's phases need 2"
            yield Flaw(field="aware", message=message, mend="write training.epochs: 2, or more")

    def run(self, workshop: Workshop) -> Outcome:
        """All phases, from the last one that was kept."""
        params, train, end = self._params, workshop.trainer.train, workshop.recipe.epochs
        first = boundary(end, params.pretrain) if params.aware else end
        phases = Phases.of_dense(workshop, params.defences, count=self.units())

        def pretrain(learner: Learner) -> Done:
            train(learner, until=first, evolution=None, what=DENSE)
            return learner, {}

        def adapt(learner: Learner) -> Done:
            own = [FakeQuantisation(learner.weights)]
            train(learner, until=end, evolution=None, what="the quantised network", own=own)
            return learner, {}

        def quantise(learner: Learner) -> Done:
            before = {name: weight.detach().cpu() for name, weight in learner.weights.items()}
            quantised = {name: int8(weight) for name, weight in before.items()}
            after = {name: stored.weight() for name, stored in quantised.items()}
            facts = {"error": _error(before, after)}
            learner.quantise(quantised)
            return learner, facts

        phases.do("train", pretrain, epochs=first)
        if params.aware:
            phases.do("train as int8", adapt, epochs=end - first)
        phases.do("quantise", quantise, epochs=0)
        return phases.outcome()


def _error(before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> float:
    """‖W' − W‖ / ‖W‖ over all layers."""
    moved = sum(float((after[name] - one).double().square().sum()) for name, one in before.items())
    return math.sqrt(moved / sum(float(one.double().square().sum()) for one in before.values()))
