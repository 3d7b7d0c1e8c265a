"""Distillation of the uncompressed model into a soft decision tree."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from safecompress_core.api import Params
from safecompress_core.toolkit import (
    Architecture,
    Classifier,
    Defence,
    DefenceInputs,
    Method,
    MethodContext,
    MethodOutcome,
    Problem,
    Recipe,
    Step,
    TrainingState,
)
from safecompress_plugins.methods.manifest import SoftTreeMethodParams
from safecompress_plugins.methods.student import train_student
from safecompress_plugins.models.soft_tree import SoftTree, node_shares

__all__ = ["SoftTreeMethod", "TreeLesson"]

# B samples of a batch · L leaves · C classes

SMALLEST = 1e-6
"""Bound of a share of samples away from 0 and 1, where its logarithm ends."""


class SoftTreeMethod(Method):
    """Trains a soft decision tree on the uncompressed model's answers.

    Source: Frosst & Hinton 2017, "Distilling a Neural Network Into a Soft Decision Tree".
    """

    def __init__(self, params: SoftTreeMethodParams) -> None:
        self._params = params

    def units(self) -> int:
        """Count the models: one tree."""
        return 1

    def check(
        self,
        network: Classifier,
        recipe: Recipe,
        create: Callable[[Params], Any],
        architecture: Architecture,
    ) -> Iterator[Problem]:
        """Report inputs that are no numbers, and a tree of another type."""
        if not architecture.sample.is_floating_point():
            yield Problem(
                path=("type",),
                message="'soft-tree' needs continuous inputs; this data set has token ids",
                hint="use 'distill', whose student can be any model",
            )
        elif not isinstance(architecture.build(self._params.tree).module, SoftTree):
            yield Problem(
                path=("tree",),
                message="the model is no soft decision tree",
                hint="write {type: soft-tree}, with a depth",
            )

    def trainee(self, architecture: Architecture) -> Params:
        """Return the tree's parameters."""
        return self._params.tree

    def run(self, context: MethodContext) -> MethodOutcome:
        """Train the tree, or load the one of an earlier run."""
        lesson = TreeLesson(
            alpha=self._params.alpha,
            temperature=self._params.temperature,
            balance=self._params.balance,
        )

        def describe(state: TrainingState) -> dict[str, Any]:
            return {"tree": _describe_tree(state.network, lesson.leaf_shares)}

        return train_student(
            context, self._params.tree, self._params.defences, lesson, describe=describe
        )


class TreeLesson(Defence):
    """Loss of a soft decision tree.

    With P_l(x) the probability of leaf l, Q_l its distribution and T the target::

        Σ_l P_l(x) · cross-entropy(T, Q_l)  −  λ Σ_i 2^(−depth of i) · ½ (log a_i + log(1 − a_i))

    T is α · the teacher's posteriors + (1 − α) · the label. The second term is the penalty on inner
    nodes i that send all samples to the same side: a_i is the share of the samples of node i that
    it sends to the right, over the last 2^(depth of i) batches with exponentially falling weights.

    Source: Frosst & Hinton 2017, sections 3.1 and 3.2.

    Attributes:
        leaf_shares: shape (L,), mean probability of each leaf over the samples of the last epoch.

    Args:
        alpha: share of the teacher's posteriors in the target, in [0, 1].
        temperature: divisor of the teacher's logits, greater than 0.
        balance: λ, at least 0.
    """

    def __init__(self, *, alpha: float, temperature: float, balance: float) -> None:
        super().__init__()
        self._alpha = alpha
        self._temperature = temperature
        self._balance = balance
        # In a list: not a submodule, so neither trained nor stored.
        self._teacher: list[Classifier] = []
        self._averages: list[tuple[Tensor, Tensor]] = []
        self._epoch = -1
        self._samples = 0
        self._leaf_sums = torch.zeros(0)

    @property
    def leaf_shares(self) -> Tensor:
        """Mean probability of each leaf over the samples of the last epoch, shape (L,)."""
        return self._leaf_sums / max(1, self._samples)

    def equip(self, inputs: DefenceInputs) -> None:
        """Store the teacher."""
        assert inputs.teacher is not None  # the method gives it
        self._teacher = [inputs.teacher]

    def loss(self, step: Step, loss: Tensor) -> Tensor:
        """Replace the loss's cross-entropy by that of the leaves, and add the penalty."""
        paths = step.representation  # (B, L)
        leaves = step.network.head.weight.T.log_softmax(dim=1)  # (L, C)
        expected = paths @ leaves  # (B, C): mean log-probability of each label
        own = -(self._targets(step) * expected).sum(dim=1).mean()
        self._count(step, paths.detach())
        # Only the cross-entropy is replaced: `loss` may hold other defences' terms as well.
        return loss + own - step.losses.mean() + self._balance * self._imbalance(paths)

    @torch.no_grad()
    def _targets(self, step: Step) -> Tensor:
        """Return the targets of a batch, shape (B, C)."""
        answers = self._teacher[0](step.batch.inputs).float()
        taught = (answers / self._temperature).softmax(dim=1)
        labels = step.batch.targets
        if labels is None:
            labels = F.one_hot(step.batch.labels, taught.shape[1])
        return torch.lerp(labels.to(taught), taught, self._alpha)

    def _imbalance(self, paths: Tensor) -> Tensor:
        """Return the penalty on nodes that send all samples to the same side, without λ."""
        shares = [level.mean(dim=0) for level in node_shares(paths)]
        total = paths.new_zeros(())
        averages = []
        for depth, nodes in enumerate(pairwise(shares)):
            weight = 0.5**depth  # of this batch: a window of 2^depth batches
            here, below = (
                (
                    _move_average(level, before, weight)
                    for level, before in zip(nodes, self._averages[depth], strict=True)
                )
                if self._averages
                else nodes
            )
            averages.append((here.detach(), below.detach()))
            turn = (below[1::2] / here.clamp_min(SMALLEST)).clamp(SMALLEST, 1 - SMALLEST)
            total = total - weight * 0.5 * (turn.log() + (1 - turn).log()).sum()
        self._averages = averages
        return total

    def _count(self, step: Step, paths: Tensor) -> None:
        if step.epoch != self._epoch:
            self._epoch, self._samples = step.epoch, 0
            self._leaf_sums = torch.zeros_like(paths[0])
        self._samples += len(paths)
        self._leaf_sums += paths.sum(dim=0)


def _move_average(batch: Tensor, before: Tensor, weight: float) -> Tensor:
    """Return the running average, with the gradient of the batch's own value."""
    average = before + weight * (batch.detach() - before)
    # The whole gradient: scaled by the weight, nodes far from the root would hardly be balanced.
    return average + batch - batch.detach()


def _describe_tree(network: Classifier, shares: Tensor) -> dict[str, Any]:
    """Return the drawing of a tree, JSON-ready.

    By leaf, from left to right, its ``shares`` of the samples, the ``labels`` that it answers with
    and the ``confidences`` in them; by inner node, level by level, ``inputs``: the position of the
    input with the largest weight, of the flattened sample.
    """
    tree = network.module
    assert isinstance(tree, SoftTree)  # checked before the run
    confidences, labels = network.head.weight.detach().T.softmax(dim=1).max(dim=1)
    return {
        "shares": _round(shares),
        "labels": labels.tolist(),
        "confidences": _round(confidences),
        "inputs": tree.filters.weight.detach().abs().argmax(dim=1).tolist(),
    }


def _round(values: Tensor) -> list[float]:
    """Return values to four digits: a drawing shows no more."""
    return [round(value, 4) for value in values.tolist()]
