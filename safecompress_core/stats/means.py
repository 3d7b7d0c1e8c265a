"""Intervals of means over samples, of their paired differences and of their ratios.

All of them are Student's on moments that hold for few samples, too: where values are bounded, one
observation at each bound is added before the moments are taken (as many as Agresti & Caffo add to
a rate), so that samples that are all alike are no certainty.
"""

from math import exp, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from safecompress_core.stats.intervals import CONFIDENCE, Estimate
from safecompress_core.stats.roc import Array

__all__ = [
    "bounded_mean",
    "error_mean",
    "hits_difference",
    "mean_difference",
    "prediction_interval",
    "relative_reduction",
]

# N samples

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


def _half(values: Floats, confidence: float) -> float:
    """Return half of Student's interval of a mean; 0 for one value, which shows no spread."""
    if len(values) < 2:
        return 0.0
    quantile = float(stdtrit(len(values) - 1, (1 + confidence) / 2))
    # ddof=1: the variance is estimated around the estimated mean.
    return quantile * float(values.std(ddof=1)) / sqrt(len(values))


def bounded_mean(
    values: Array, *, least: float = 0.0, most: float = 1.0, confidence: float = CONFIDENCE
) -> Estimate:
    """Return the mean of values (N,) in [least, most], with an interval in the same range.

    One observation at either bound is added for the interval, which Student's quantile then makes:
    values that all lie near one bound do not show how many of them are elsewhere.

    Source: the added observations are those of Agresti & Caffo 2000, "Simple and effective
    confidence intervals for proportions and differences of proportions", for values between 0
    and 1 as well.
    """
    numbers = np.asarray(values, dtype=np.float64)
    value = float(numbers.mean())
    # One observation at each bound (Agresti & Caffo).
    padded = np.concatenate([numbers, [least, most]])
    centre, half = float(padded.mean()), _half(padded, confidence)
    return _around(value, centre - half, centre + half).clip(least, most)


def error_mean(errors: Array, *, confidence: float = CONFIDENCE) -> Estimate:
    """Return the mean of errors (N,), which are not negative and often skewed, with its interval.

    The low end is Student's; the high end is his on the logarithm of the mean (delta method),
    which allows for the few large errors that a small sample lacks. A mean of 0 is taken as it is.
    """
    numbers = np.asarray(errors, dtype=np.float64)
    value, half = float(numbers.mean()), _half(numbers, confidence)
    # The logarithm of a mean of 0 does not exist.
    if value == 0:
        return Estimate(0.0, 0.0, 0.0)
    # past twice the mean the logarithm's line says nothing any more
    return Estimate(value, max(value - half, 0.0), value * exp(min(half / value, 2.0)))


def mean_difference(first: Array, second: Array, *, confidence: float = CONFIDENCE) -> Estimate:
    """Return the mean of ``first`` − ``second``, of the same samples (N,), with Student's interval.

    Source: Student 1908, "The probable error of a mean".
    """
    differences = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    value, half = float(differences.mean()), _half(differences, confidence)
    return Estimate(value, value - half, value + half)


def prediction_interval(values: Array, *, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the interval that holds one more value of the normal distribution of these (N ≥ 2).

    Source: Hahn & Meeker 1991, "Statistical Intervals", section 4.7.
    """
    numbers = np.asarray(values, dtype=np.float64)
    centre, half = float(numbers.mean()), _half(numbers, confidence)
    # The spread of the further value adds to that of the mean.
    wide = half * sqrt(len(numbers) + 1)
    return centre - wide, centre + wide


def hits_difference(first: Bools, second: Bools, *, confidence: float = CONFIDENCE) -> Estimate:
    """Return the share of ``first`` less that of ``second``, of the same samples (N,), in [−1, 1].

    Student's interval after one pair of either discordant kind was added.

    Source: Bonett & Price 2012, "Adjusted Wald confidence interval for a difference of binomial
    proportions based on paired data".
    """
    differences = first.astype(np.float64) - second.astype(np.float64)
    # Discordant pairs only: concordant ones do not change the difference.
    padded = np.concatenate([differences, [1.0, -1.0]])
    centre, half = float(padded.mean()), _half(padded, confidence)
    return _around(float(differences.mean()), centre - half, centre + half).clip(-1.0, 1.0)


def relative_reduction(
    losses: Array, baseline: Array, *, confidence: float = CONFIDENCE
) -> Estimate:
    """Return max(0, 1 − mean loss / mean baseline loss), of the same samples (N,), in [0, 1].

    The definition of advantage, of losses that are hits and misses (bool: wrong or not) or errors.
    The interval is Fieller's for a ratio of means, with Student's quantile; of hits and misses one
    pair of either discordant kind is added before. Where the baseline's mean is not significantly
    above 0, the ratio is not bounded and the interval is [0, 1]. A baseline without any loss
    leaves nothing to gain: the value is 0.

    Source: Fieller 1954, "Some problems in interval estimation"; Bonett & Price 2012 for the pairs.
    """
    ours, theirs = (np.asarray(values, dtype=np.float64) for values in (losses, baseline))
    # A baseline without losses leaves nothing to reduce.
    value = max(0.0, 1 - float(ours.mean()) / float(theirs.mean())) if theirs.any() else 0.0
    if np.asarray(losses).dtype == np.bool_:
        # One pair of each discordant kind, as in `hits_difference`.
        ours, theirs = np.append(ours, [1.0, 0.0]), np.append(theirs, [0.0, 1.0])
    low, high = _fieller(ours, theirs, confidence)
    # Ends swap, since the reduction falls as the ratio rises.
    return _around(value, *(min(max(1 - end, 0.0), 1.0) for end in (high, low)))


def _fieller(upper: Floats, lower: Floats, confidence: float) -> tuple[float, float]:
    """Return the ends of the ratio of two means; 0 and infinity where it is not bounded."""
    count = len(upper)
    # No covariance can be estimated from one sample.
    if count < 2:
        return 0.0, np.inf
    square = float(stdtrit(count - 1, (1 + confidence) / 2)) ** 2
    (var_upper, both), (_, var_lower) = np.cov(upper, lower) / count
    above, below = float(upper.mean()), float(lower.mean())
    # the ratios ρ with (above − ρ·below)² ≤ t²·var(above − ρ·below), a quadratic in ρ
    second = below**2 - square * float(var_lower)
    first = above * below - square * float(both)
    zeroth = above**2 - square * float(var_upper)
    # The baseline's mean is not distinguishable from 0, so the ratio is unbounded.
    if second <= 0:
        return 0.0, np.inf
    # Rounding may leave a tiny negative number under the root.
    root = sqrt(max(first**2 - second * zeroth, 0.0))
    return (first - root) / second, (first + root) / second


def _around(value: float, low: float, high: float) -> Estimate:
    """Return an interval that holds its estimate, which added observations may have left out."""
    return Estimate(value, min(low, value), max(high, value))
