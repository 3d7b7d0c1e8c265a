"""Label-only membership attack: distance to the decision boundary."""

from dataclasses import dataclass
from importlib import import_module
from math import sqrt
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from safecompress_core.toolkit import AdversaryKnowledge, Attacker, Observations, PoolError
from safecompress_plugins.attackers.membership.label_only_manifest import BoundaryParams

if TYPE_CHECKING:
    from safecompress_plugins.attackers.membership.hop_skip_jump import ToolboxSearch

__all__ = ["BoundaryAttack", "Search"]

# N samples · D values of a sample · A anchors · T steps · Q queries of a step

ANCHORS = 200
TOOLBOX = "safecompress_plugins.attackers.membership.hop_skip_jump"
"""Imported on use: its package comes with an extra."""
HALVINGS = 12  # of the interval around the boundary: 1/4,096 of it remains


class BoundaryAttack(Attacker):
    """Scores a sample by its distance to the nearest input with another prediction.

    Training moves the boundary away from members. A misclassified sample has a distance of 0.

    Source: Choquette-Choo, Tramèr, Carlini & Papernot 2021, "Label-Only Membership Inference
    Attacks", ICML; Li & Zhang 2021, "Membership Leakage in Label-Only Exposures", CCS. The distance
    is HopSkipJump's, see ``Search`` and ``ToolboxSearch``.
    """

    def __init__(self, params: BoundaryParams) -> None:
        self._params = params
        self._search: Search | ToolboxSearch | None = None
        if params.search == "hopskipjump":
            import_module(TOOLBOX)  # fail now if the extra is missing, not after training

    def fit(self, known: AdversaryKnowledge, *, generator: torch.Generator) -> None:
        """Draw the search's starting points and directions.

        Raises:
            PoolError: if attack-train is empty.
        """
        inputs = known.seen.inputs
        if not len(inputs):
            raise PoolError("boundary: attack-train is empty; the search starts from its samples")
        chosen = torch.randperm(len(inputs), generator=generator)[:ANCHORS]
        anchors = inputs[chosen].flatten(1)
        if self._params.search == "hopskipjump":
            self._search = import_module(TOOLBOX).ToolboxSearch(
                self._params,
                anchors,
                bounds=(float(inputs.amin()), float(inputs.amax())),
                seed=int(torch.randint(2**31, (), generator=generator)),
            )
            return
        shape = (self._params.steps, self._params.queries, inputs[0].numel())
        # Normalised Gaussian vectors are uniform on the sphere.
        directions = F.normalize(torch.randn(shape, generator=generator), dim=2)
        self._search = Search(anchors, directions)

    def score(self, knowledge: AdversaryKnowledge) -> Tensor:
        """Return the distance, shape (N,), in the inputs' unit."""
        if self._search is None:
            raise RuntimeError("an attacker has to be fitted before it can score")
        return self._search.distances(knowledge.seen)


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """HopSkipJump for many samples at once.

    From the nearest anchor with another prediction, bisect the segment to the sample until the
    label changes. There, estimate the boundary's normal from the share of Q small steps that cross
    it, jump along the normal by the distance over the square root of the step's number (or half of
    that, a quarter, …), and bisect again.

    Anchors and directions are shared by all samples, so that a distance does not depend on the rest
    of the pool. Unlike in the paper, every step has the same number of queries.

    Source: Chen, Jordan & Wainwright 2020, "HopSkipJumpAttack: A Query-Efficient Decision-Based
    Attack", S&P, Algorithm 2, for the Euclidean norm.

    Attributes:
        anchors: starting points, shape (A, D).
        directions: unit vectors, shape (T, Q, D).
    """

    anchors: Tensor
    directions: Tensor

    def distances(self, seen: Observations) -> Tensor:
        """Return the distance to the nearest point with another prediction, shape (N,).

        0 for misclassified samples. Without an anchor of another prediction, the distance to the
        farthest anchor: a lower bound.
        """
        distances = torch.zeros(len(seen))
        right = (seen.predictions == seen.labels).nonzero()[:, 0]
        if not len(right):
            return distances
        asked = _BoundaryQueries(seen.take(right))
        apart = torch.cdist(asked.origin, self.anchors)  # (n, A)
        # Anchors are queried once for all samples.
        labels = seen.predict(self.anchors.unflatten(1, seen.inputs.shape[1:]))
        is_other = labels != asked.labels[:, None]
        # Without any such anchor argmin returns 0, and has_start discards the result.
        nearest = apart.masked_fill(~is_other, torch.inf).argmin(dim=1)
        has_start = is_other.any(dim=1)
        there = asked.towards_origin(self.anchors[nearest])
        best = (there - asked.origin).norm(dim=1)
        # The first step may overshoot what a later one finds, so the minimum over steps counts.
        for step, directions in enumerate(self.directions, start=1):
            there = asked.towards_origin(asked.jump(there, directions, step=step))
            best = torch.minimum(best, (there - asked.origin).norm(dim=1))
        distances[right] = torch.where(has_start, best, apart.amax(dim=1))
        return distances


class _BoundaryQueries:
    """The samples of a search, and the model's predictions at points around them."""

    def __init__(self, seen: Observations) -> None:
        self._seen = seen
        self.origin = seen.inputs.flatten(1)  # (n, D)
        self.labels = seen.labels

    def is_outside(self, points: Tensor) -> Tensor:
        """Return where a sample's point, (n, D), has another prediction, shape (n,)."""
        shaped = points.unflatten(1, self._seen.inputs.shape[1:])
        return self._seen.predict(shaped) != self.labels

    def towards_origin(self, outside: Tensor) -> Tensor:
        """Bisect to the point nearest to the sample with another prediction, (n, D)."""
        low, high = torch.zeros(len(outside), 1), torch.ones(len(outside), 1)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            is_outside = self.is_outside(torch.lerp(self.origin, outside, middle))[:, None]
            low, high = torch.where(is_outside, low, middle), torch.where(is_outside, middle, high)
        # The upper end of the interval: it has another prediction, the middle may not.
        return torch.lerp(self.origin, outside, high)

    def jump(self, there: Tensor, directions: Tensor, *, step: int) -> Tensor:
        """Jump off the boundary along its normal, to a point with another prediction, (n, D)."""
        distance = (there - self.origin).norm(dim=1, keepdim=True)
        reach = distance / there.shape[1]  # the paper's δ: shrinks with the dimension D
        crossed = [self.is_outside(there + reach * direction) for direction in directions]
        sides = torch.stack(crossed, dim=1) * 2.0 - 1  # (n, Q)
        uneven = sides - sides.mean(dim=1, keepdim=True)  # the baseline reduces variance
        # If all steps land on one side, the centred weights are 0 and have no direction.
        weights = torch.where(sides.std(dim=1, keepdim=True) > 0, uneven, sides)
        normal = F.normalize(weights @ directions, dim=1)
        length = distance / sqrt(step)
        landed = there.clone()
        waiting = torch.ones(len(there), dtype=torch.bool)
        # Halve the step until it lands outside; a sample that never does stays at its boundary
        # point.
        for _ in range(HALVINGS):
            tried = there + length * normal
            lands = waiting & self.is_outside(tried)
            landed[lands] = tried[lands]
            waiting &= ~lands
            length = length / 2
        return landed
