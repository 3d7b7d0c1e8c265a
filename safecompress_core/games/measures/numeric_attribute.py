"""Error of an attack on a numeric attribute, compared with the best guess without the model.

Attackers score intervals, as they score the values of any attribute. Core makes a number of it: the
median under what the scores say, since no other number has less absolute error.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from safecompress_core.games.measures.imputation import (
    AttributeTrainingSet,
    PublicFeatures,
    best_imputation,
)
from safecompress_core.stats.intervals import Estimate
from safecompress_core.stats.means import error_mean, mean_difference, relative_reduction
from safecompress_core.stats.resampling import Resampling

__all__ = [
    "AbsoluteError",
    "error_reduction",
    "measure_errors",
    "predict_numbers",
]

# M known samples · N samples · V intervals · B bootstrap draws

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AbsoluteError:
    """Mean absolute errors, in the unit of the attribute.

    Attributes:
        mae: of the attack.
        baseline: of the best guess without the model.
        lift: ``baseline`` less ``mae``, with a paired interval; above 0 the model is informative.
        advantage: max(0, 1 − mae / baseline), the share of the error that the model takes away, in
            [0, 1]; the same form as for a categorical attribute, whose error is being wrong.
        rule: which guess the baseline is, a name in ``imputation.NUMERIC``.
        errors: of the attack, shape (N,).
        baseline_errors: of the guess, shape (N,).

    Source: mean absolute error as in Zhu et al. 2024, IEEE TSE (age); Willmott & Matsuura 2005.
    """

    mae: Estimate
    baseline: float
    lift: Estimate
    advantage: Estimate
    rule: str
    errors: Floats
    baseline_errors: Floats

    def advantages(self, resampling: Resampling) -> Floats:
        """The advantage in each bootstrap draw, shape (B,), in [0, 1]."""
        return error_reduction(
            resampling.means(self.errors), resampling.means(self.baseline_errors)
        )

    def to_json(self) -> dict[str, Any]:
        """``mae``, ``mae_interval``, ``baseline_mae``, ``mae_lift``, its interval, ``mae_rule``."""
        return {
            "mae": self.mae.value,
            "mae_interval": list(self.mae.interval),
            "baseline_mae": self.baseline,
            "mae_lift": self.lift.value,
            "mae_lift_interval": list(self.lift.interval),
            "mae_rule": self.rule,
        }


def error_reduction(errors: Floats | float, baseline: Floats | float) -> Floats:
    """max(0, 1 − errors / baseline), and 0 where the baseline makes no error."""
    made = np.asarray(baseline, dtype=np.float64)
    # ``out=1`` where the baseline is exact: no error can be removed, so the advantage is 0.
    left = np.divide(errors, made, out=np.ones_like(made), where=made > 0)
    return np.asarray(np.maximum(1 - left, 0.0), dtype=np.float64)


def measure_errors(
    scores: Floats,
    known: AttributeTrainingSet,
    intervals: Ints,
    asked: PublicFeatures,
    truth: Floats,
    *,
    confidence: float,
) -> AbsoluteError:
    """Hold an attack's numbers, and those of the best guess, against the truth.

    Args:
        scores: of each interval, shape (N, V).
        known: attack-train with its numbers, M samples.
        intervals: in which of the V intervals each of these numbers lies, shape (M,).
        asked: what anyone has of the N samples.
        truth: their numbers, shape (N,).
        confidence: of every interval of confidence.
    """
    # Only attack-train turns scores into numbers; the reported pool's numbers are the truth.
    numbers = predict_numbers(scores, known.truth, intervals)
    imputation = best_imputation(known)
    errors, baseline_errors = np.abs(numbers - truth), np.abs(imputation.guess(asked) - truth)
    return AbsoluteError(
        mae=error_mean(errors, confidence=confidence),
        baseline=float(baseline_errors.mean()),
        lift=mean_difference(baseline_errors, errors, confidence=confidence),
        advantage=relative_reduction(errors, baseline_errors, confidence=confidence),
        rule=imputation.rule,
        errors=errors,
        baseline_errors=baseline_errors,
    )


def predict_numbers(scores: Floats, known: Floats, intervals: Ints) -> Floats:
    """The number that each row of scores stands for, shape (N,).

    Scores that are probabilities (none below 0, each row sums to 1) are taken at their word: the
    median under them, where numbers lie in an interval as attack-train's do. Of other scores the
    likeliest interval counts, and stands for the median of attack-train's numbers in it.

    Args:
        scores: of each interval, shape (N, V).
        known: attack-train's numbers, shape (M,).
        intervals: in which of the V intervals they lie, shape (M,).
    """
    count = scores.shape[1]
    # Scores on any other scale carry an order only, so the likeliest interval gets all the belief.
    beliefs = scores if _are_probabilities(scores) else np.eye(count)[scores.argmax(axis=1)]
    inside = {interval: known[intervals == interval] for interval in range(count)}
    # A median needs the intervals in ascending order, which their numbers do not promise.
    order = sorted(
        range(count),
        key=lambda interval: np.median(inside[interval] if len(inside[interval]) else known),
    )
    up_to = beliefs[:, order].cumsum(axis=1)  # (N, V)
    # Half of the sum, not 0.5: rows sum to 1 within 1e-3 only.
    half = up_to[:, -1] / 2
    # The first interval whose cumulated belief reaches half; the guard is for rounding at the end.
    place = np.minimum((up_to < half[:, None]).sum(axis=1), count - 1)
    row = np.arange(len(scores))
    belief = beliefs[:, order][row, place]
    # Share of the interval's belief below the median; 0.5 where it has no belief (all scores 0).
    rank = np.divide(
        half - up_to[row, place] + belief, belief, out=np.full(len(belief), 0.5), where=belief > 0
    )
    # An interval without samples in attack-train falls back to the overall median.
    numbers = np.full(len(scores), np.median(known))
    for position, interval in enumerate(order):
        here = place == position
        if here.any() and len(inside[interval]):
            numbers[here] = np.quantile(inside[interval], rank[here].clip(0, 1))
    return numbers


def _are_probabilities(scores: Floats) -> bool:
    return bool((scores >= 0).all() and np.allclose(scores.sum(axis=1), 1, atol=1e-3))
