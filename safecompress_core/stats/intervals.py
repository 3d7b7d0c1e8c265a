"""Estimates with their confidence intervals.

Every interval is two-sided: ``confidence`` is how often it covers the truth, and each end fails
half of the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, stdtrit

from safecompress_core.errors import PoolError
from safecompress_core.stats.roc import Array, placements

__all__ = [
    "CONFIDENCE",
    "Estimate",
    "auc_difference_interval",
    "auc_interval",
    "clopper_pearson",
    "macro_auc_interval",
    "mean_difference_of_independent",
    "null_auc_interval",
]

Floats = NDArray[np.float64]

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

    @classmethod
    def exact(cls, value: float) -> "Estimate":
        """A number without sampling error: its interval is a point."""
        return cls(float(value), float(value), float(value))

    @property
    def interval(self) -> tuple[float, float]:
        """Both ends."""
        return self.low, self.high

    def scale(self, factor: float, *, shift: float = 0.0) -> "Estimate":
        """The estimate of ``factor``·x + ``shift``, for a factor that is not negative."""
        return Estimate(*(factor * end + shift for end in (self.value, self.low, self.high)))

    def clip(self, least: float, most: float) -> "Estimate":
        """The estimate of a number that is known to lie in [least, most]."""
        # Both ends and the value, so that the interval still contains the value.
        return Estimate(*(min(max(end, least), most) for end in (self.value, *self.interval)))


def _z(confidence: float) -> float:
    # Two-sided: each tail has half of what the confidence leaves.
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
    # closed form; scipy.stats.binomtest searches for the same ends, to 1e-12 and in milliseconds
    tail = (1 - confidence) / 2
    failures = trials - successes
    # The beta quantile is undefined at 0 successes, where the exact end is 0.
    low = betaincinv(successes, failures + 1, tail) if successes else 0.0
    # Likewise without failures, where it is 1.
    high = betaincinv(successes + 1, failures, 1 - tail) if failures else 1.0
    return Estimate(successes / trials, float(low), float(high))


def mean_difference_of_independent(first: Estimate, second: Estimate) -> Estimate:
    """The first number less the second, of independent samples, with an interval made of theirs.

    Source: Zou & Donner 2008, "Construction of confidence limits about effect measures: a general
    approach" (MOVER).
    """
    value = first.value - second.value
    # MOVER: squared distances of the ends add up like variances.
    below = sqrt((first.value - first.low) ** 2 + (second.high - second.value) ** 2)
    above = sqrt((first.high - first.value) ** 2 + (second.value - second.low) ** 2)
    return Estimate(value, value - below, value + above)


def auc_interval(scores: Array, is_member: Array, *, confidence: float = CONFIDENCE) -> Estimate:
    """Area under the ROC curve with an interval that holds for small pools and for ties, too.

    DeLong's variance, after one sample above and one below all others were added to either side,
    with Welch's degrees of freedom; clipped to [0, 1], and wide enough to hold the estimate.
    Agresti and Caffo add as many to a difference of rates, with the same effect: DeLong's variance
    alone covers 80 to 93 % where 95 % are claimed, in pools of 20 samples a side and where most
    tie.

    Perfect separation is taken by itself: the interval is Clopper-Pearson's for min(M, N − M)
    independent pairs that were all distinguished.

    Args:
        scores: shape (N,), higher means more likely a member.
        is_member: shape (N,), True for members, M of them.
        confidence: in (0, 1).

    Raises:
        PoolError: if there are fewer than 2 samples on either side.
        ValueError: if the shapes differ or a score is NaN.

    Source: DeLong et al. 1988, "Comparing the areas under two or more correlated receiver
    operating characteristic curves", in the O(N log N) of Sun & Xu 2014, "Fast Implementation of
    DeLong's Algorithm"; Agresti & Caffo 2000, "Simple and effective confidence intervals for
    proportions and differences of proportions", for the added samples; Brunner & Munzel 2000, "The
    nonparametric Behrens-Fisher problem", for the degrees of freedom.
    """
    below, above = placements(scores, is_member)
    fewest = min(len(below), len(above))
    if fewest < 2:
        # DeLong's variance needs two placements on each side.
        raise PoolError("an interval of AUC needs at least 2 members and 2 non-members")
    area = float(below.mean())
    # Separated sides have a variance of 0; the exact interval of a rate bounds the error instead.
    if area in (0.0, 1.0):
        return clopper_pearson(int(area) * fewest, fewest, confidence=confidence)
    # Padded on both sides, so that few samples without overlap show some variance.
    padded = _pad(below, len(above)), _pad(above, len(below))
    variances = [float(side.var(ddof=1)) / len(side) for side in padded]
    centre = float(padded[0].mean())
    half = _student(confidence, variances, [len(side) - 1 for side in padded])
    # The centre is that of the padded placements; the estimate must stay inside.
    low, high = min(centre - half, area), max(centre + half, area)
    return Estimate(area, low, high).clip(0.0, 1.0)


def _pad(placed: Floats, rivals: int) -> Floats:
    """Placements (n,) after a sample above and one below all others were added to either side."""
    added = [rivals + 1.5, 0.5]  # above all rivals, and tied with the one that was added to them
    return np.concatenate([placed * rivals + 1, added]) / (rivals + 2)


def _student(confidence: float, variances: Sequence[float], degrees: Sequence[int]) -> float:
    """Half of an interval of a sum of independent means, with Welch's degrees of freedom.

    Source: Welch 1947, "The generalization of Student's problem".
    """
    variance = sum(variances)
    # Without any spread the degrees of freedom would be 0 / 0.
    if variance == 0:
        return 0.0
    spread = sum(variance**2 / count for variance, count in zip(variances, degrees, strict=True))
    return float(stdtrit(variance**2 / spread, (1 + confidence) / 2)) * sqrt(variance)


def auc_difference_interval(
    first: Array, second: Array, is_member: Array, *, confidence: float = CONFIDENCE
) -> Estimate:
    """Return the AUC of some scores less that of others of the same samples, with an interval.

    DeLong's variance of the difference, with Welch's degrees of freedom: what the samples have in
    common cancels, and scores that rank them alike differ by exactly 0.

    Args:
        first: shape (N,), higher means more likely a member.
        second: likewise, of the same samples.
        is_member: shape (N,), True for members.
        confidence: in (0, 1).

    Raises:
        PoolError: if there are fewer than 2 samples on either side.
        ValueError: if the shapes differ or a score is NaN.

    Source: DeLong et al. 1988, as in :func:`auc_interval`, section 3.
    """
    sides = [
        one - other
        for one, other in zip(
            placements(first, is_member), placements(second, is_member), strict=True
        )
    ]
    if min(map(len, sides)) < 2:
        raise PoolError("an interval of a difference needs at least 2 members and 2 non-members")
    variances = [float(side.var(ddof=1)) / len(side) for side in sides]
    half = _student(confidence, variances, [len(side) - 1 for side in sides])
    # Either side's mean is the difference of the areas.
    difference = float(sides[0].mean())
    return Estimate(difference, difference - half, difference + half)


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
    # float64: the cube of a tie's size may overflow int64.
    ties = np.unique(np.asarray(scores), return_counts=True)[1].astype(np.float64)
    # The variance of the Mann–Whitney statistic, corrected for ties.
    spread = total + 1 - float((ties**3 - ties).sum()) / (total * (total - 1))
    # With all scores tied, rounding may leave a tiny negative number.
    half = _z(confidence) * sqrt(max(spread, 0.0) / (12 * len(below) * len(above)))
    area = float(below.mean())
    return Estimate(area, area - half, area + half).clip(0.0, 1.0)


def macro_auc_interval(
    scores: Array, truth: NDArray[Any], *, confidence: float = CONFIDENCE
) -> Estimate | None:
    """Mean over values of the one-against-rest AUC, with an interval; None if only one occurs.

    Values that do not occur are left out. The interval is that of :func:`auc_interval`, carried to
    the mean through each sample's influence on it, since the areas share their samples.

    Args:
        scores: shape (N, V), higher means more likely that value.
        truth: shape (N,), integers in [0, V).
        confidence: in (0, 1).
    """
    total = len(truth)
    values = np.unique(truth)
    # A single value has no rest to be compared with.
    if len(values) < 2:
        return None
    areas, centres = [], []
    influence = np.zeros(total)  # on the mean, of the samples themselves
    added = dict.fromkeys(values.tolist(), 0.0)  # squares of that of the added ones, by value
    for value in values:
        is_value = truth == value
        below, above = placements(scores[:, value], is_value)
        areas.append(below.mean())
        sides = _pad(below, len(above)), _pad(above, len(below))
        centres.append(sides[0].mean())
        # Divided by the number of values: the estimate is their mean.
        of_value, of_rest = ((side - centres[-1]) / len(side) / len(values) for side in sides)
        # A sample has an influence on every value's area, so influences are summed before
        # squaring.
        influence[is_value] += of_value[:-2]
        influence[~is_value] += of_rest[:-2]
        added[value] += float((of_value[-2:] ** 2).sum() + (of_rest[-2:] ** 2).sum())
    counts = {value: int((truth == value).sum()) for value in added}
    variances = [
        (float((influence[truth == value] ** 2).sum()) + added[value]) * (1 + 1 / counts[value])
        for value in added
    ]
    half = _student(confidence, variances, [count + 1 for count in counts.values()])
    mean, centre = float(np.mean(areas)), float(np.mean(centres))
    # the mean varies less than an area does, so that the added samples' pull would show
    return Estimate(mean, min(centre, mean) - half, max(centre, mean) + half).clip(0.0, 1.0)
