"""Interval of a true-positive rate at a limit on false positives, whose threshold is estimated."""

from functools import lru_cache
from math import erfc, exp, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import bdtr, bdtrc, betaincinv, ndtr, ndtri

from safecompress_core.stats.intervals import CONFIDENCE, Estimate
from safecompress_core.stats.roc import Array, roc_curve, tpr_at_fpr

__all__ = ["tpr_interval"]

# N₀ non-members · J thresholds, one for each distinct score and one above all

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

SMALLEST = 1e-300


def tpr_interval(
    scores: Array, is_member: Array, *, max_fpr: float, confidence: float = CONFIDENCE
) -> Estimate:
    """Return the rate of :func:`tpr_at_fpr` with an interval that counts members and non-members.

    It is about the rate that the attack has at the *true* threshold: the lowest at which the
    non-members' distribution has at most ``max_fpr`` false positives, ties unsplit. Which one that
    is, is estimated from the same non-members. A binomial test says of each threshold how likely
    it is that the true one is as strict, or as lenient; z₁ is the normal deviate of that. The rate
    at one threshold has Clopper and Pearson's ends, at the deviate z₂. The interval holds those
    ends of all thresholds with z₁² + z₂² = r², so that two errors of one direction are combined in
    quadrature, as MOVER does, without a slope being estimated: the curve itself is followed.

    r is a little above the normal quantile. Where ties make the rate jump at the limit itself,
    both errors can fail for themselves, and r is such that they do so no oftener than
    1 − ``confidence``; where scores are continuous the interval covers somewhat more than it says.

    Clopper-Pearson's interval at the estimated threshold covers 42 to 98 % instead of 95 %, the
    less the steeper the curve and the more members there are. Nothing is sampled here.

    Args:
        scores: shape (N,), higher means more likely a member.
        is_member: shape (N,), True for members.
        max_fpr: in (0, 1).
        confidence: in (0, 1).

    Raises:
        PoolError, ValueError: as :func:`tpr_at_fpr`.

    Source: Linnet 1987, "Comparison of quantitative diagnostic tests: type I error, power, and
    sample size", and Platt, Hanley & Yang 2000, "Bootstrap confidence intervals for the
    sensitivity of a quantitative diagnostic test", for both sources of variance; Zou & Donner
    2008, "Construction of confidence limits about effect measures: a general approach" (MOVER);
    Clopper & Pearson 1934.
    """
    point = tpr_at_fpr(scores, is_member, max_fpr=max_fpr)
    curve = roc_curve(scores, is_member)
    errors, others = curve.false_positives, curve.non_members
    lenient = np.append(errors[1:], others)  # false positives at the next threshold
    # the true one is as strict, if the next has too many; the last one has no next
    is_strict = bdtr(lenient, others, max_fpr)
    # P[X ≥ 0] = 1, which bdtrc(−1) does not yield.
    is_lenient = np.where(errors > 0, bdtrc(np.maximum(errors - 1, 0), others, max_fpr), 1.0)
    radius = _radius(confidence)
    low = _lowest(curve.true_positives, curve.members, is_strict, radius)
    high = 1 - _lowest(curve.members - curve.true_positives, curve.members, is_lenient, radius)
    # The estimate stays inside, although both ends are minima over thresholds.
    return Estimate(point.tpr, min(low, point.tpr), max(high, point.tpr))


def _lowest(hits: Counts, trials: int, likely: Floats, radius: float) -> float:
    """Return the lowest of Clopper and Pearson's lower ends over thresholds.

    Args:
        hits: at each threshold, out of ``trials``, shape (J,).
        trials: how many.
        likely: tail probability that a threshold is not too strict (or too lenient), shape (J,).
        radius: of both deviates together.
    """
    # How unlikely a threshold is, in standard deviations; SMALLEST keeps it finite.
    first = np.maximum(-ndtri(np.clip(likely, SMALLEST, 1.0)), 0.0)
    # Thresholds outside the circle cannot be the true one at this confidence.
    counts = first < radius
    # What is left of the radius after the threshold's part: Z₂ = √(r² − Z₁²).
    hits, tails = hits[counts], ndtr(-np.sqrt(radius**2 - first[counts] ** 2))
    # At 0 hits the quantile is undefined; the next line sets these ends to 0.
    ends = betaincinv(np.maximum(hits, 1), trials - hits + 1, tails)
    return float(np.where(hits > 0, ends, 0.0).min())


# Cached, since every metric of a run has the same confidence.
@lru_cache
def _radius(confidence: float) -> float:
    """Return r with P[Z₁ > r or Z₂ > r, or both > 0 and Z₁² + Z₂² > r²] = 1 − ``confidence``.

    That is ¼·exp(−r²/2) + 1 − Φ(r), for independent standard normal Z₁ and Z₂.
    """

    def failing(radius: float) -> float:
        return exp(-(radius**2) / 2) / 4 + erfc(radius / sqrt(2)) / 2

    # From 0.75 at radius 0 to practically 0 at 30, so a root is bracketed.
    return float(brentq(lambda radius: failing(radius) - (1 - confidence), 0.0, 30.0))
