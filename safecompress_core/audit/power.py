"""Power of an audit: leaks, gates and differences that a pool of some size can resolve.

A *typical pool* stands for the scores of an attack: members and non-members are the quantiles of
two normal distributions of one variance, so their ROC curve is the binormal one. The intervals of
an audit are computed on it by the functions that the audit itself uses, and estimates are taken to
vary by the standard errors that these intervals imply.

Source: Hanley & McNeil 1982, "The meaning and use of the area under a receiver operating
characteristic (ROC) curve", for planning a study by the standard error at an assumed AUC.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from math import ceil, sqrt

import numpy as np
from scipy.optimize import brentq
from scipy.special import betaincinv, ndtr, ndtri

from safecompress_core.games.measures.membership_details import advantage_of_decisions
from safecompress_core.stats.intervals import (
    CONFIDENCE,
    Estimate,
    auc_interval,
    clopper_pearson,
)
from safecompress_core.stats.low_fpr import tpr_interval
from safecompress_core.stats.roc import RESOLVING_ERRORS, Array

__all__ = [
    "POWER",
    "LeakPower",
    "PoolPower",
    "chance_of_margin",
    "non_members_needed",
    "share_needed",
]

POWER = 0.8
"""How often an audit has to succeed for what it asks to count as resolvable."""
STRONGEST = 6.0
"""Largest distance of the two distributions that is looked at, in standard deviations."""
TINY = 1e-9
Z = float(ndtri((1 + CONFIDENCE) / 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakPower:
    """Resolution of one measure of membership attacks, in its unit.

    Attributes:
        half_width: of the interval of an attack that finds nothing.
        smallest_leak: the smallest true value whose interval excludes chance in ``POWER`` of all
            audits; None if no leak is strong enough.
        smallest_gate: the smallest ``at_most`` that a model without leakage meets in ``POWER`` of
            all audits.
        smallest_margin: the smallest margin to earlier results that an equal model meets as often,
            if records are not paired.
    """

    half_width: float
    smallest_leak: float | None
    smallest_gate: float
    smallest_margin: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolPower:
    """What can be measured on a pool.

    Attributes:
        members: samples of it that are members, at least 2.
        non_members: samples of it that are none, at least 2.
        attacks: membership attacks of the audit, of which the worst counts.
    """

    members: int
    non_members: int
    attacks: int = 1

    def measure(self, name: str, distance: float) -> Estimate:
        """Return a measure of membership on the typical pool.

        Args:
            name: ``advantage``, ``auc`` or ``accuracy``.
            distance: of the means of both distributions, in standard deviations.
        """
        return _MEASURES[name](self.members, self.non_members, distance)

    def rate(self, max_fpr: float, distance: float) -> Estimate | None:
        """Return the true-positive rate on the typical pool; None if it is not resolvable."""
        if self.non_members < non_members_needed(max_fpr):
            return None
        scores, is_member = _typical_scores(self.members, self.non_members, distance)
        return tpr_interval(scores, is_member, max_fpr=max_fpr)

    def leak(self, name: str) -> LeakPower:
        """Return the resolution of a measure."""
        nothing = self.measure(name, 0.0)
        half = nothing.high - nothing.value
        deviate = float(ndtri(POWER))
        return LeakPower(
            half_width=half,
            smallest_leak=self._smallest_leak(name),
            smallest_gate=nothing.high + half / Z * float(ndtri(POWER ** (1 / self.attacks))),
            smallest_margin=sqrt(2) * half * (1 + deviate / Z),
        )

    def chance_at_most(self, name: str, bound: float, distance: float = 0.0) -> float:
        """Return how often all attacks keep a gate's ``at_most``.

        Attacks are taken to be independent, which is never too hopeful.
        """
        estimate = self.measure(name, distance)
        # At perfect separation the interval ends at the value itself.
        error = max((estimate.high - estimate.value) / Z, TINY)
        return float(ndtr((bound - estimate.high) / error)) ** self.attacks

    def estimate_needed(self, name: str, bound: float) -> float | None:
        """Return the largest estimate that keeps ``at_most``; None if even chance does not."""
        distance = _solve(lambda distance: bound - self.measure(name, distance).high)
        return None if distance is None else self.measure(name, distance).value

    def value_needed(self, name: str, bound: float) -> float | None:
        """Return the largest true value that keeps ``at_most`` in ``POWER`` of all audits."""
        distance = _solve(lambda distance: self.chance_at_most(name, bound, distance) - POWER)
        return None if distance is None else self.measure(name, distance).value

    def _smallest_leak(self, name: str) -> float | None:
        chance = self.measure(name, 0.0).value

        def excess(distance: float) -> float:
            estimate = self.measure(name, distance)
            error = (estimate.value - estimate.low) / Z
            return estimate.low - chance - float(ndtri(POWER)) * error

        if excess(STRONGEST) < 0:
            return None
        return self.measure(name, float(brentq(excess, 0.0, STRONGEST, xtol=1e-4))).value


def chance_of_margin(half_width: float, margin: float) -> float:
    """Return how often an equal model keeps a margin to earlier results, records not paired.

    Args:
        half_width: of the interval of either figure.
        margin: of a relative gate, in the same unit.
    """
    # A difference of two independent figures varies by √2 as much.
    half = sqrt(2) * half_width
    return float(ndtr((margin - half) / (half / Z)))


def non_members_needed(max_fpr: float) -> int:
    """Return the non-members of a pool that resolve a limit on false positives.

    As many as leave ten false positives under the limit: with fewer, the threshold depends on a
    handful of samples.
    """
    return ceil(RESOLVING_ERRORS / max_fpr - 1e-9)


def share_needed(bound: float, samples: int, *, is_floor: bool) -> tuple[float, float] | None:
    """Return what share of correct samples keeps a gate: the estimate, and the true value.

    The true value keeps it in ``POWER`` of all audits. None if no share does.

    Args:
        bound: of the gate, in [0, 1].
        samples: that the share is of.
        is_floor: whether the bound is ``at_least``.
    """
    # Ends of Clopper and Pearson rise with the count, so the edge is found by bisection.
    counts = range(samples + 1)
    if is_floor:
        edge = bisect_left(
            counts, x=True, key=lambda count: clopper_pearson(count, samples).low >= bound
        )
    else:
        edge = -1 + bisect_left(
            counts, x=True, key=lambda count: clopper_pearson(count, samples).high > bound
        )
    if edge not in counts:
        return None
    # The binomial tail at the edge, solved for the share.
    if is_floor:
        value = betaincinv(edge, samples - edge + 1, POWER) if edge else 0.0
    else:
        value = betaincinv(edge + 1, samples - edge, 1 - POWER) if edge < samples else 1.0
    return edge / samples, float(value)


def _solve(excess: Callable[[float], float]) -> float | None:
    """Return the largest distance that leaves no deficit; None if there is one at distance 0."""
    if excess(0.0) < 0:
        return None
    if excess(STRONGEST) >= 0:
        return STRONGEST
    return float(brentq(excess, 0.0, STRONGEST, xtol=1e-4))


def _typical_scores(members: int, non_members: int, distance: float) -> tuple[Array, Array]:
    """Return scores and membership of the typical pool, both of shape (N,)."""
    inside, outside = (ndtri((np.arange(count) + 0.5) / count) for count in (members, non_members))
    scores = np.concatenate([inside + distance, outside])
    return scores, np.arange(members + non_members) < members


@cache
def _auc(members: int, non_members: int, distance: float) -> Estimate:
    return auc_interval(*_typical_scores(members, non_members, distance))


@cache
def _advantage(members: int, non_members: int, distance: float) -> Estimate:
    scores, is_member = _typical_scores(members, non_members, distance)
    # The best threshold lies between both means; there the error of a rate is largest, too.
    return advantage_of_decisions(scores > distance / 2, is_member)


def _accuracy(members: int, non_members: int, distance: float) -> Estimate:
    return _advantage(members, non_members, distance).scale(0.5, shift=0.5)


_MEASURES: Mapping[str, Callable[[int, int, float], Estimate]] = {
    "accuracy": _accuracy,
    "auc": _auc,
    "advantage": _advantage,
}
"""By name, in the order in which tables show them."""
