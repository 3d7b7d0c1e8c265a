"""N:M structured sparsity: n active of every m consecutive weights along a layer's inputs."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

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
    Step,
    Topology,
    TrainingState,
)
from safecompress_plugins.methods.dense_first import Done, train_change_finetune
from safecompress_plugins.methods.hardware_manifest import NOfMParams
from safecompress_plugins.methods.projection import Projected
from safecompress_plugins.methods.thinning import magnitudes
from safecompress_plugins.strategies.groups import divides, largest_of_groups

__all__ = ["NOfM", "SrSte", "topology_of"]

PRUNED = "the pruned network"


def topology_of(values: Mapping[str, Tensor], *, n: int, m: int) -> Topology:
    """Apply `largest_of_groups` to every layer whose inputs m divides; others stay dense."""
    return Topology.from_masks(
        {
            name: largest_of_groups(value, n=n, m=m)
            if divides(m, value)
            else torch.ones_like(value)
            for name, value in values.items()
        }
    )


class SrSte(Projected):
    """Training through an N:M mask that follows the weights, with decay of masked weights.

    ::

        W ← W − γ · (∂L/∂W' + λ_W · (1 − mask) ⊙ W)        with W' = mask ⊙ W

    Source: Zhou et al. 2021, "Learning N:M Fine-grained Structured Sparse Neural Networks From
    Scratch", section 3 (SR-STE).

    Args:
        weights: of layers whose inputs m divides, by name.
        n: active weights per group.
        m: weights per group.
        decay: λ_W.
    """

    def __init__(
        self, weights: Mapping[str, nn.Parameter], *, n: int, m: int, decay: float
    ) -> None:
        super().__init__(weights)
        self._n, self._m, self._decay = n, m, decay
        self._masks: dict[str, Tensor] = {}

    def projection(self, name: str, weight: Tensor) -> Tensor:
        """Mask the weight."""
        self._masks[name] = largest_of_groups(weight.abs(), n=self._n, m=self._m)
        return weight * self._masks[name]

    @torch.no_grad()
    def adjust(self, step: Step, *, generator: torch.Generator) -> None:
        """Restore the weights, and add the decay of masked ones to the gradient."""
        super().adjust(step, generator=generator)
        for name, weight in self._weights.items():
            assert weight.grad is not None  # it took part in the step
            weight.grad.add_(weight * ~self._masks[name], alpha=self._decay)


class NOfM(Method):
    """Dense training, pruning to N:M, fine-tuning; or SR-STE throughout.

    One-shot pruning has its own learning-rate schedule for fine-tuning: the recipe repeats the
    training of the dense network.

    Source: Mishra et al. 2021, "Accelerating Sparse Deep Neural Networks", section 4.
    """

    def __init__(self, params: NOfMParams) -> None:
        self._params = params
        self._is_at_once = params.schedule == "one-shot"

    def units(self) -> int:
        """Count the phases."""
        return 2 if self._is_at_once else 1

    def check(
        self,
        network: Classifier,
        recipe: Recipe,
        create: Callable[[Params], Any],
        architecture: Architecture,
    ) -> Iterator[Problem]:
        """Report phases without an epoch, and a model without whole groups."""
        if recipe.epochs < self.units():
            message = f"training.epochs is {recipe.epochs}; the method has 2 phases"
            yield Problem(
                path=("schedule",), message=message, hint="write training.epochs: 2, or more"
            )
        weights, m = network.sparse_parameters().values(), self._params.m
        if not any(divides(m, weight) for weight in weights):
            inputs = sorted({weight.shape[1] for weight in weights if weight.ndim > 1})
            message = f"{m} divides no layer's number of inputs: {', '.join(map(str, inputs))}"
            yield Problem(path=("m",), message=message, hint="write a divisor of one of them")

    def run(self, context: MethodContext) -> MethodOutcome:
        """Run all phases, from the last checkpoint."""
        phases = Phases.of_dense(context, self._params.defences, count=self.units())
        if self._is_at_once:
            self._at_once(context, phases)
        else:
            self._through_a_mask(context, phases)
        weights = phases.state.weights.items()
        dense = [name for name, weight in weights if not divides(self._params.m, weight)]
        return phases.outcome(dense_layers=dense)

    def _at_once(self, context: MethodContext, phases: Phases) -> None:
        train_change_finetune(
            context,
            phases,
            lambda state: (self._prune(state), {}),
            pretrain=self._params.pretrain,
            name="prune and fine-tune",
            what=PRUNED,
        )

    def _through_a_mask(self, context: MethodContext, phases: Phases) -> None:
        params, end = self._params, context.recipe.epochs

        def train(state: TrainingState) -> Done:
            weights = state.weights.items()
            grouped = {name: weight for name, weight in weights if divides(params.m, weight)}
            mask = SrSte(grouped, n=params.n, m=params.m, decay=params.decay)
            context.trainer.train(
                state, until=end, topology_schedule=None, what=PRUNED, method_defences=[mask]
            )
            # The mask of training was soft: the final topology fixes the largest weights of each
            # group.
            return self._prune(state), {}

        phases.do("train through a mask", train, epochs=end)

    def _prune(self, state: TrainingState) -> TrainingState:
        """Return a copy with the n largest of each group's m weights."""
        topology = topology_of(magnitudes(state), n=self._params.n, m=self._params.m)
        return state.branch(state.settings, topology=topology)
