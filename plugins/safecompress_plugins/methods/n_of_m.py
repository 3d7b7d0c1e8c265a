"""N:M structured sparsity: of every m consecutive weights along a layer's inputs, n are kept."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

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
    Step,
    Topology,
    Workshop,
)
from safecompress_plugins.methods.dense_first import Done, train_change_finetune
from safecompress_plugins.methods.hardware_manifest import NOfMParams
from safecompress_plugins.methods.projection import Projected
from safecompress_plugins.methods.thinning import magnitudes
from safecompress_plugins.strategies.groups import divides, largest_of_groups

__all__ = ["NOfM", "SrSte", "topology_of"]

PRUNED = "the pruned network"


def topology_of(values: Mapping[str, Tensor], *, n: int, m: int) -> Topology:
    """`largest_of_groups` of every layer whose inputs m divides; the others are dense."""
    return Topology.from_masks(
        {
            name: largest_of_groups(one, n=n, m=m) if divides(m, one) else torch.ones_like(one)
            for name, one in values.items()
        }
    )


class SrSte(Projected):
    """Trains through an N:M mask that follows the weights, and draws what it masks to 0.

    ::

        W ← W − γ · (∂L/∂W' + λ_W · (1 − mask) ⊙ W)        with W' = mask ⊙ W

    Source: Zhou et al. 2021, "Learning N:M Fine-grained Structured Sparse Neural Networks From
    Scratch", section 3 (SR-STE).

    Args:
        weights: of layers whose inputs m divides, by name.
        n: how many of each group are kept.
        m: how many are a group.
        decay: λ_W.
    """

    def __init__(
        self, weights: Mapping[str, nn.Parameter], *, n: int, m: int, decay: float
    ) -> None:
        super().__init__(weights)
        self._n, self._m, self._decay = n, m, decay
        self._masks: dict[str, Tensor] = {}

    def projection(self, name: str, weight: Tensor) -> Tensor:
        """The weight without what is masked."""
        self._masks[name] = largest_of_groups(weight.abs(), n=self._n, m=self._m)
        return weight * self._masks[name]

    @torch.no_grad()
    def adjust(self, step: Step, *, generator: torch.Generator) -> None:
        """Put the weights back, and draw those that are masked to 0."""
        super().adjust(step, generator=generator)
        for name, weight in self._weights.items():
            assert weight.grad is not None  # it took part in the step
            weight.grad.add_(weight * ~self._masks[name], alpha=self._decay)


class NOfM(Method):
    """Dense training, pruning to N:M, fine-tuning; or SR-STE from beginning to end.

    What is pruned at once has a learning-rate schedule of its own for fine-tuning: the recipe
    repeats the training that the dense network had.

    Source: Mishra et al. 2021, "Accelerating Sparse Deep Neural Networks", section 4.
    """

    def __init__(self, params: NOfMParams) -> None:
        self._params = params
        self._is_at_once = params.schedule == "one-shot"

    def units(self) -> int:
        """Its phases."""
        return 2 if self._is_at_once else 1

    def flaws(
        self,
        network: Classifier,
        recipe: Recipe,
        create: Callable[[Params], Any],
        architecture: Architecture,
    ) -> Iterator[Flaw]:
        """Each phase needs an epoch, and one layer whole groups."""
        if recipe.epochs < self.units():
            message = f"training.epochs is {recipe.epochs}, and the method's phases need 2"
            yield Flaw(field="schedule", message=message, mend="write training.epochs: 2, or more")
        weights, m = network.sparse_parameters().values(), self._params.m
        if not any(divides(m, weight) for weight in weights):
            inputs = sorted({weight.shape[1] for weight in weights if weight.ndim > 1})
            message = f"{m} divides no layer's inputs, which are {', '.join(map(str, inputs))}"
            yield Flaw(field="m", message=message, mend="write a divisor of one of them")

    def run(self, workshop: Workshop) -> Outcome:
        """All phases, from the last one that was kept."""
        phases = Phases.of_dense(workshop, self._params.defences, count=self.units())
        if self._is_at_once:
            self._at_once(workshop, phases)
        else:
            self._through_a_mask(workshop, phases)
        weights = phases.learner.weights.items()
        dense = [name for name, weight in weights if not divides(self._params.m, weight)]
        return phases.outcome(dense_layers=dense)

    def _at_once(self, workshop: Workshop, phases: Phases) -> None:
        train_change_finetune(
            workshop,
            phases,
            lambda learner: (self._pruned(learner), {}),
            pretrain=self._params.pretrain,
            name="prune and fine-tune",
            what=PRUNED,
        )

    def _through_a_mask(self, workshop: Workshop, phases: Phases) -> None:
        params, end = self._params, workshop.recipe.epochs

        def train(learner: Learner) -> Done:
            weights = learner.weights.items()
            grouped = {name: weight for name, weight in weights if divides(params.m, weight)}
            mask = SrSte(grouped, n=params.n, m=params.m, decay=params.decay)
            workshop.trainer.train(learner, until=end, evolution=None, what=PRUNED, own=[mask])
            return self._pruned(learner), {}

        phases.do("train through a mask", train, epochs=end)

    def _pruned(self, learner: Learner) -> Learner:
        """A copy with n of m weights of each group, those of the largest magnitude."""
        topology = topology_of(magnitudes(learner), n=self._params.n, m=self._params.m)
        return learner.branch(learner.settings, topology=topology)
