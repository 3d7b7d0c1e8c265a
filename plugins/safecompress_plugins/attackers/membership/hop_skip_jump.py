"""Distances to the decision boundary by adversarial-robustness-toolbox's HopSkipJump."""

from dataclasses import dataclass

import numpy as np
import torch
from art.attacks.evasion import HopSkipJump
from art.estimators.classification import BlackBoxClassifier
from numpy.typing import NDArray
from torch import Tensor

from safecompress_core.toolkit import Observations, global_random_state
from safecompress_plugins.attackers.membership.label_only_manifest import BoundaryParams

__all__ = ["ToolboxSearch"]

# N samples · D values of a sample · A anchors · Q queries at once

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class ToolboxSearch:
    """HopSkipJump of the toolbox, one sample after the other, from the nearest anchor.

    The toolbox would start from an image of noise that no seed determines, and draws its directions
    from numpy's global state, which is lent a seed for each sample and then put back. Seed and
    anchors are the same for all samples, so that a distance does not depend on which others are
    asked about.

    Source: Chen, Jordan & Wainwright 2020, "HopSkipJumpAttack: A Query-Efficient Decision-Based
    Attack", S&P, Algorithm 2, as implemented by adversarial-robustness-toolbox.

    Attributes:
        params: steps, queries and budget.
        anchors: where searches start, shape (A, D).
        bounds: the lowest and the highest value of an input.
        seed: of all directions.
    """

    params: BoundaryParams
    anchors: Tensor
    bounds: tuple[float, float]
    seed: int

    def distances(self, seen: Observations) -> Tensor:
        """Distance to the nearest point asked about that is not predicted as the label, (N,).

        0 for samples that are predicted wrongly. Where no anchor gets another label, the distance
        to the farthest one: as far as was looked.
        """
        found = torch.zeros(len(seen))
        right = (seen.predictions == seen.labels).nonzero()[:, 0]
        answers = seen.predict(self.anchors.unflatten(1, seen.inputs.shape[1:]))
        for position in right:
            one = seen.take(position[None])
            apart = torch.cdist(one.inputs.flatten(1), self.anchors)[0]  # (A,)
            is_other = answers != one.labels
            if is_other.any():
                start = self.anchors[apart.masked_fill(~is_other, torch.inf).argmin()]
                found[position] = self._distance(one, start)
            else:
                found[position] = apart.amax()
        return found

    def _distance(self, one: Observations, start: Tensor) -> float:
        """Of a single sample, from an anchor (D,) of another label."""
        asked = _Asked(one, budget=self.params.budget)
        begin = start.reshape(one.inputs.shape)
        asked.answer(begin.numpy())
        model = BlackBoxClassifier(
            asked.answer,
            input_shape=tuple(one.inputs.shape[1:]),
            nb_classes=one.classes,
            clip_values=self.bounds,
        )
        attack = HopSkipJump(
            model,
            norm=2,
            max_iter=self.params.steps,
            init_eval=self.params.queries,
            max_eval=max(self.params.queries, self.params.budget),
            verbose=False,
        )
        try:
            with global_random_state(torch.Generator().manual_seed(self.seed)):
                attack.generate(one.inputs.numpy(), x_adv_init=begin.numpy().copy())
        except _BudgetSpentError:
            pass  # what it found until then counts
        return asked.nearest


class _BudgetSpentError(Exception):
    """The model has been asked about a sample as often as it may be."""


class _Asked:
    """The model as the toolbox asks it, and the nearest point of another label so far."""

    def __init__(self, one: Observations, *, budget: int) -> None:
        self._one = one
        self._left = budget
        self._origin = one.inputs.flatten(1)  # (1, D)
        self.nearest = np.inf

    def answer(self, inputs: Floats) -> Floats:
        """Labels of inputs (Q, ...) as rows of an identity matrix, (Q, C)."""
        self._left -= len(inputs)
        if self._left < 0:
            raise _BudgetSpentError
        points = torch.as_tensor(inputs, dtype=torch.float32)
        labels = self._one.predict(points)
        distances = (points.flatten(1) - self._origin).norm(dim=1)
        outside = distances[labels != self._one.labels]
        self.nearest = min(self.nearest, float(outside.amin())) if len(outside) else self.nearest
        rows: Floats = np.eye(self._one.classes, dtype=np.float32)[labels.numpy()]
        return rows
