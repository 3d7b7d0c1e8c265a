"""Calibrated risk: the probability that a record with a given membership score is a member.

Scores of different attacks have different scales, and some have none; risks are comparable. The
prior is one half, so 0.5 is a record of which the attack says nothing.

- **Isotonic regression** of membership on the rank of the score, with both sides weighted equally:
  a higher score is never a lower risk.
- **Cross-fitted**: a record's risk comes from maps that were fitted on other records, so that its
  own membership, which is what the risk is about, has no influence on it.
- **One observation at each bound**: a member below and a non-member above all others are added to
  each fit, so that a few members at the top are no certainty.

Source: Zadrozny & Elkan 2002, "Transforming classifier scores into accurate multiclass probability
estimates", KDD; Platt 1999, "Probabilistic outputs for support vector machines", for fits on other
samples; Agresti & Caffo 2000 for the added observations.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import IsotonicRegression

from safecompress_core.stats.roc import Array, placements

__all__ = ["FOLDS", "RiskCalibration", "draw_folds"]

# N samples · K distinct scores

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FOLDS = 5


def draw_folds(is_member: Array, *, generator: np.random.Generator, count: int = FOLDS) -> Ints:
    """Return a fold for each record, shape (N,), in [0, count); both sides are split evenly.

    Args:
        is_member: shape (N,), True for members.
        generator: draws who is in which fold.
        count: of folds; fewer where a side has fewer records.
    """
    sides = np.asarray(is_member, dtype=np.bool_)
    count = max(2, min(count, int(sides.sum()), int((~sides).sum())))
    folds = np.empty(len(sides), dtype=np.int64)
    for side in (sides, ~sides):
        folds[side] = generator.permutation(int(side.sum())) % count
    return folds


@dataclass(frozen=True, slots=True, eq=False)
class _RiskMap:
    """Map from scores to risk; between two scores that it was fitted on it is linear in rank.

    Attributes:
        scores: distinct scores, rising, shape (K,).
        risks: of these, rising, shape (K,), in [0, 1].
        sign: −1 where the scores are higher for non-members, and were negated.
    """

    scores: Floats
    risks: Floats
    sign: int

    @classmethod
    def fit(cls, scores: Floats, is_member: Bools) -> Self:
        below, _ = placements(scores, is_member)
        sign = -1 if below.mean() < 0.5 else 1
        # Ranks, since scores may be infinite, and their scale says nothing.
        rising, ranks = np.unique(sign * scores, return_inverse=True)
        weights = np.where(is_member, 1 / is_member.sum(), 1 / (~is_member).sum())
        fitted = IsotonicRegression().fit(
            np.concatenate([[-1], ranks, [len(rising)]]),
            np.concatenate([[1.0], is_member, [0.0]]),
            np.concatenate([[1 / is_member.sum()], weights, [1 / (~is_member).sum()]]),
        )
        return cls(rising, fitted.predict(np.arange(len(rising))), sign)

    def risk(self, scores: Floats) -> Floats:
        """Return the risk of scores of any shape."""
        oriented = self.sign * scores
        # The mean of both insertion points: K for a fitted score, between two for one between them.
        low, high = (self.scores.searchsorted(oriented, side=side) for side in ("left", "right"))
        return np.interp((low + high - 1) / 2, np.arange(len(self.scores)), self.risks)


@dataclass(frozen=True, slots=True, eq=False)
class RiskCalibration:
    """Maps from the scores of one attack to risk: for each fold one, fitted on all others.

    Attributes:
        folds: of each record, shape (N,).
    """

    folds: Ints
    _maps: tuple[_RiskMap, ...]

    @classmethod
    def fit(cls, scores: Array, is_member: Array, *, folds: Ints) -> Self:
        """Fit the maps.

        Args:
            scores: shape (N,), higher means more likely a member; may be infinite.
            is_member: shape (N,), True for members.
            folds: shape (N,), as of :func:`draw_folds`.

        Raises:
            PoolError: if there are fewer than two members or two non-members.
            ValueError: if the shapes differ or a score is NaN.
        """
        numbers = np.asarray(scores, dtype=np.float64)
        sides = np.asarray(is_member, dtype=np.bool_)
        maps = (
            _RiskMap.fit(numbers[folds != fold], sides[folds != fold])
            for fold in range(int(folds.max()) + 1)
        )
        return cls(folds, tuple(maps))

    def risk(self, scores: Array) -> Floats:
        """Return each record's risk if its score were this, shape (N,), in [0, 1].

        Args:
            scores: shape (N,), in the order of the records that the maps were fitted on.
        """
        numbers = np.asarray(scores, dtype=np.float64)
        risks = np.empty(len(numbers))
        for fold, fitted in enumerate(self._maps):
            rows = self.folds == fold
            risks[rows] = fitted.risk(numbers[rows])
        return risks
