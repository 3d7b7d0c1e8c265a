"""Decision-boundary distances by adversarial-robustness-toolbox's HopSkipJump."""

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

    The toolbox would start from unseeded noise, and draws its directions from numpy's global state,
    which is seeded for each sample and then restored. Seed and anchors are shared by all samples,
    so that a distance does not depend on the rest of the pool.

    Source: Chen, Jordan & Wainwright 2020, "HopSkipJumpAttack: A Query-Efficient Decision-Based
    Attack", S&P, Algorithm 2, as implemented by adversarial-robustness-toolbox.

    Attributes:
        params: steps, queries and budget.
        anchors: starting points, shape (A, D).
        bounds: the lowest and the highest value of an input.
        seed: of all directions.
    """

    params: BoundaryParams
    anchors: Tensor
    bounds: tuple[float, float]
    seed: int

    def distances(self, seen: Observations) -> Tensor:
        """Return the distance to the nearest queried point with another prediction, shape (N,).

        0 for misclassified samples. Without an anchor of another prediction, the distance to the
        farthest anchor: a lower bound.
        """
        distances = torch.zeros(len(seen))
        right = (seen.predictions == seen.labels).nonzero()[:, 0]
        answers = seen.predict(self.anchors.unflatten(1, seen.inputs.shape[1:]))
        for position in right:
            sample = seen.take(position[None])
            apart = torch.cdist(sample.inputs.flatten(1), self.anchors)[0]  # (A,)
            is_other = answers != sample.labels
            if is_other.any():
                start = self.anchors[apart.masked_fill(~is_other, torch.inf).argmin()]
                distances[position] = self._distance(sample, start)
            else:
                distances[position] = apart.amax()
        return distances

    def _distance(self, sample: Observations, start: Tensor) -> float:
        """Measure one sample's distance, from an anchor (D,) of another prediction."""
        asked = _QueryCounter(sample, budget=self.params.budget)
        begin = start.reshape(sample.inputs.shape)
        asked.answer(begin.numpy())  # counts the anchor as the nearest point so far
        model = BlackBoxClassifier(
            asked.answer,
            input_shape=tuple(sample.inputs.shape[1:]),
            nb_classes=sample.classes,
            clip_values=self.bounds,
        )
        attack = HopSkipJump(
            model,
            # The toolbox demands init_eval <= max_eval, which a small budget would violate.
            norm=2,
            max_iter=self.params.steps,
            init_eval=self.params.queries,
            max_eval=max(self.params.queries, self.params.budget),
            verbose=False,
        )
        try:
            with global_random_state(torch.Generator().manual_seed(self.seed)):
                # The same seed for every sample: directions must not depend on the position in the
                # pool.
                attack.generate(sample.inputs.numpy(), x_adv_init=begin.numpy().copy())
        except _BudgetSpentError:
            pass  # the nearest point until then counts
        return asked.nearest


class _BudgetSpentError(Exception):
    """The query budget of a sample is spent."""


class _QueryCounter:
    """Query counter around the model, with the nearest point of another prediction so far."""

    def __init__(self, sample: Observations, *, budget: int) -> None:
        self._one = sample
        self._left = budget
        self._origin = sample.inputs.flatten(1)  # (1, D)
        self.nearest = np.inf

    def answer(self, inputs: Floats) -> Floats:
        """Return labels of inputs (Q, ...) as one-hot rows, (Q, C)."""
        # Queries are counted here, since the toolbox has no bound on their total.
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
