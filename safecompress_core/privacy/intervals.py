"""Estimates with their confidence intervals.

Every interval is two-sided: ``confidence`` is how often it covers the truth, and each end fails
half of the rest.
"""

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from safecompress_core.errors import PoolError
from safecompress_core.privacy.roc import Array, placements

__all__ = [
    "CONFIDENCE",
    "Estimate",
    "auc_interval",
    "clopper_pearson",
    "difference",
    "difference_of_proportions",
    "macro_auc_interval",
    "null_auc_interval",
    "wilson",
]

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measured number and the interval that it is known to lie in.

    Attributes:
        value: the point estimate.
        low: lower end of the interval.
        high: upper end of the interval.
    """

    value: float
    low: float
    high: float

    @property
    def interval(self) -> tuple[float, float]:
        """Both ends."""
        return self.low, self.high

    def scaled(self, factor: float, *, shift: float = 0.0) -> "Estimate":
        """The estimate of ``factor``·x + ``shift``, for a factor that is not negative."""
        return Estimate(*(factor * end + shift for end in (self.value, self.low, self.high)))

    def clipped(self, least: float, most: float) -> "Estimate":
        """The estimate of a number that is known to lie in [least, most]."""
        return Estimate(*(min(max(end, least), most) for end in (self.value, *self.interval)))


def _z(confidence: float) -> float:
    return NormalDist().inv_cdf((1 + confidence) / 2)


def _check_counts(successes: int, trials: int) -> None:
    if trials < 1:
        raise PoolError("a rate needs at least one sample")
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes out of {trials}")


def clopper_pearson(successes: int, trials: int, *, confidence: float = CONFIDENCE) -> Estimate:
    """A rate with its exact interval: it covers the truth at least as often as it says.

    Raises:
        PoolError: if there are no trials.

    Source: Clopper & Pearson 1934, "The use of confidence or fiducial limits".
    """
    _check_counts(successes, trials)
    tail = (1 - confidence) / 2
    failures = trials - successes
    low = betaincinv(successes, failures + 1, tail) if successes else 0.0
    high = betaincinv(successes + 1, failures, 1 - tail) if failures else 1.0
    return Estimate(successes / trials, float(low), float(high))


def wilson(successes: int, trials: int, *, confidence: float = CONFIDENCE) -> Estimate:
    """A rate with its score interval, which the difference of two rates is built from.

    Raises:
        PoolError: if there are no trials.

    Source: Wilson 1927, "Probable inference, the law of succession, and statistical inference".
    """
    _check_counts(successes, trials)
    rate = successes / trials
    square = _z(confidence) ** 2
    centre = (rate + square / (2 * trials)) / (1 + square / trials)
    spread = sqrt(square * (rate * (1 - rate) + square / (4 * trials)) / trials)
    half = spread / (1 + square / trials)
    # at 0 and 1 the ends meet the rate, but for rounding
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == trials else centre + half
    return Estimate(rate, low, high)


def difference(one: Estimate, two: Estimate) -> Estimate:
    """The first number less the second, of independent samples, with an interval made of theirs.

    Source: Zou & Donner 2008, "Construction of confidence limits about effect measures: a general
    approach" (MOVER).
    """
    value = one.value - two.value
    below = sqrt((one.value - one.low) ** 2 + (two.high - two.value) ** 2)
    above = sqrt((one.high - one.value) ** 2 + (two.value - two.low) ** 2)
    return Estimate(value, value - below, value + above)


def difference_of_proportions(
    first: tuple[int, int], second: tuple[int, int], *, confidence: float = CONFIDENCE
) -> Estimate:
    """The first rate less the second, of independent samples, each as (successes, trials).

    Not clipped: value and ends are in [−1, 1].

    Raises:
        PoolError: if either side has no trials.

    Source: Newcombe 1998, "Interval estimation for the difference between independent
    proportions", method 10 (MOVER on Wilson intervals).
    """
    return difference(wilson(*first, confidence=confidence), wilson(*second, confidence=confidence))


def auc_interval(scores: Array, is_member: Array, *, confidence: float = CONFIDENCE) -> Estimate:
    """Area under the ROC curve with DeLong's interval, clipped to [0, 1].

    Perfect separation has no variance to go by; there the interval is Clopper-Pearson's for
    min(M, N − M) independent pairs that were all told apart.

    Args:
        scores: shape (N,), higher means more likely a member.
        is_member: shape (N,), True for members, M of them.
        confidence: in (0, 1).

    Raises:
        PoolError: if there are fewer than 2 samples on either side.
        ValueError: if the shapes differ or a score is NaN.

    Source: DeLong et al. 1988, "Comparing the areas under two or more correlated receiver
    operating characteristic curves", in the O(N log N) of Sun & Xu 2014, "Fast Implementation of
    DeLong's Algorithm".
    """
    below, above = placements(scores, is_member)
    fewest = min(len(below), len(above))
    if fewest < 2:
        raise PoolError("an interval of AUC needs at least 2 members and 2 non-members")
    area = float(below.mean())
    if area in (0.0, 1.0):
        return clopper_pearson(int(area) * fewest, fewest, confidence=confidence)
    variance = below.var(ddof=1) / len(below) + above.var(ddof=1) / len(above)
    half = _z(confidence) * sqrt(float(variance))
    return Estimate(area, area - half, area + half).clipped(0.0, 1.0)


def null_auc_interval(
    scores: Array, is_member: Array, *, confidence: float = CONFIDENCE
) -> Estimate:
    """Area under the curve with an interval to test whether scores and membership are unrelated.

    If they are, it covers 0.5 as often as ``confidence`` says, whatever the pool's size: the
    variance is the one that relabelling gives, ties counted, not an estimate of it. DeLong's
    estimate fails too often in small pools: at a confidence of 0.999 and 20 samples a side it
    misses 0.5 four times as often as it should. Do not report it where there is a signal.

    Args:
        scores: shape (N,), higher means more likely a member.
        is_member: shape (N,), True for members.
        confidence: in (0, 1).

    Raises:
        PoolError: if there are no members or no non-members.
        ValueError: if the shapes differ or a score is NaN.

    Source: Mann & Whitney 1947, "On a test of whether one of two random variables is
    stochastically larger than the other"; Lehmann 1975, "Nonparametrics", for ties.
    """
    below, above = placements(scores, is_member)
    total = len(below) + len(above)
    ties = np.unique(np.asarray(scores), return_counts=True)[1].astype(np.float64)
    spread = total + 1 - float((ties**3 - ties).sum()) / (total * (total - 1))
    half = _z(confidence) * sqrt(max(spread, 0.0) / (12 * len(below) * len(above)))
    area = float(below.mean())
    return Estimate(area, area - half, area + half).clipped(0.0, 1.0)


def macro_auc_interval(
    scores: Array, truth: NDArray[Any], *, confidence: float = CONFIDENCE
) -> Estimate | None:
    """Mean over values of the one-against-rest AUC, with an interval; None if only one occurs.

    Values that do not occur are left out. The interval is DeLong's, carried to the mean through
    each sample's influence on it, since the areas share their samples.

    Args:
        scores: shape (N, V), higher means more likely that value.
        truth: shape (N,), integers in [0, V).
        confidence: in (0, 1).
    """
    total = len(truth)
    values = np.unique(truth)
    if len(values) < 2:
        return None
    areas = []
    influence = np.zeros(total)
    for value in values:
        is_value = truth == value
        below, above = placements(scores[:, value], is_value)
        area = below.mean()
        areas.append(area)
        influence[is_value] += (below - area) * total / len(below)
        influence[~is_value] += (above - area) * total / len(above)
    influence /= len(values)
    half = _z(confidence) * float(influence.std()) / sqrt(total)
    mean = float(np.mean(areas))
    return Estimate(mean, mean - half, mean + half).clipped(0.0, 1.0)
