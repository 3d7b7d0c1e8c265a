"""Movement pruning: weights that training moves away from zero remain."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from safecompress_core.api import Params
from safecompress_core.toolkit import (
    Architecture,
    Batch,
    Classifier,
    Defence,
    Method,
    MethodContext,
    MethodOutcome,
    Phases,
    Problem,
    Recipe,
    Step,
    Topology,
    TrainingState,
)
from safecompress_plugins.methods.dense_first import Done
from safecompress_plugins.methods.manifest import MovementParams
from safecompress_plugins.methods.schedules import Cubic, boundaries
from safecompress_plugins.methods.thinning import Scope, best, check_thinning, largest_topology

__all__ = ["Movement", "StraightThrough"]

WHAT = "the network that is thinned out"


class StraightThrough(Defence):
    """Training through a mask that passes the gradient of every weight (straight-through).

    ::

        W' = W ⊙ mask(S)             the network that processes the batch
            S ← S − ∂L/∂W' ⊙ W           the score of every weight, masked or not
            ∂L/∂W = ∂L/∂W' ⊙ mask(S)     the optimizer's gradient

    A masked weight keeps its value, and returns when its score rises. Scores are only ranked, so a
    step size of their own would change nothing.

    Source: Sanh, Wolf & Rush 2020, "Movement Pruning", section 4.

    Args:
        weights: to prune; read again in every step.
        scope: of the ranking of scores.

    Attributes:
        scores: S, by layer.
        density: fraction of unmasked weights; set by the caller.
    """

    def __init__(self, weights: Mapping[str, nn.Parameter], *, scope: Scope) -> None:
        super().__init__()
        self._weights = weights
        self._scope = scope
        self._masks: dict[str, Tensor] = {}
        self._values: dict[str, Tensor] = {}
        self.scores = {name: torch.zeros_like(weight) for name, weight in weights.items()}
        self.density = 1.0

    def topology(self) -> Topology:
        """Return the weights with the largest scores, ranked on the CPU for any training device."""
        # On the CPU, so that ties and rounding do not depend on the training device.
        scores = {name: weight_scores.cpu() for name, weight_scores in self.scores.items()}
        return largest_topology(scores, self.density, self._scope)

    @torch.no_grad()
    def transform(self, batch: Batch, *, generator: torch.Generator) -> Batch:
        """Mask the weights; the batch is unchanged."""
        # At density 1 there is no mask, and no copy of the weights.
        self._masks = best(self.scores, self.density, self._scope) if self.density < 1 else {}
        for name, mask in self._masks.items():
            weight = self._weights[name]
            # Kept aside: the mask must not erase values that may return.
            self._values[name] = weight.detach().clone()
            weight.mul_(mask)
        return batch

    @torch.no_grad()
    def adjust(self, step: Step, *, generator: torch.Generator) -> None:
        """Restore masked weights, update all scores, and mask the gradient."""
        for name, weight in self._weights.items():
            assert weight.grad is not None  # it took part in the step
            if name in self._masks:
                weight.copy_(self._values[name])
            # With the unmasked weight: the score of a masked weight moves as well.
            self.scores[name] -= weight.grad * weight
            if name in self._masks:
                weight.grad.mul_(self._masks[name])


class Movement(Method):
    """Dense training that scores weights, a mask with the cubic schedule, fine-tuning.

    Source: Sanh, Wolf & Rush 2020, "Movement Pruning: Adaptive Sparsity by Fine-Tuning", section 4;
    the schedule is Zhu & Gupta's, as there.
    """

    def __init__(self, params: MovementParams) -> None:
        self._params = params

    def units(self) -> int:
        """Count the phases."""
        return 2

    def check(
        self,
        network: Classifier,
        recipe: Recipe,
        create: Callable[[Params], Any],
        architecture: Architecture,
    ) -> Iterator[Problem]:
        """Report phases without an epoch, and layers without a weight."""
        return check_thinning(self._params, network, recipe, least=3)

    def run(self, context: MethodContext) -> MethodOutcome:
        """Run all phases, from the last checkpoint."""
        params, train, end = self._params, context.trainer.train, context.recipe.epochs
        first, last = boundaries(end, params.pretrain, params.until)
        schedule = Cubic(start=first, end=last, density=params.density)
        phases = Phases.of_dense(context, params.defences, count=self.units())

        def move(state: TrainingState) -> Done:
            mask = StraightThrough(state.weights, scope=params.scope)
            # One epoch at a time, since the density changes between epochs.
            for epoch in range(last):
                mask.density = schedule.at(epoch)
                train(
                    state,
                    until=epoch + 1,
                    topology_schedule=None,
                    what=WHAT,
                    method_defences=[mask],
                )
            mask.density = params.density
            return state.branch(state.settings, topology=mask.topology()), {"dense_until": first}

        def finetune(state: TrainingState) -> Done:
            train(state, until=end, topology_schedule=None, what="the pruned network")
            return state, {}

        phases.do("train and prune by movement", move, epochs=last)
        phases.do("fine-tune", finetune, epochs=end - last)
        return phases.outcome()
