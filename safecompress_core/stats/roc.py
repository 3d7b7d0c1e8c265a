"""ROC curves of membership scores: every threshold, ties never split.

Ties are never split: every sample of one score is on the same side of a threshold.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics

from safecompress_core.errors import PoolError

__all__ = [
    "RESOLVING_ERRORS",
    "Array",
    "OperatingPoint",
    "RocCurve",
    "calibrate_threshold",
    "placements",
    "roc_curve",
    "tpr_at_fpr",
]

# N samples · M members · K distinct scores

Array = NDArray[Any]
Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

RESOLVING_ERRORS = 10
"""How many false positives a rate must allow before it is worth reporting."""


@dataclass(frozen=True, slots=True, eq=False)
class RocCurve:
    """Rates at every threshold; samples at or above it are predicted members.

    Attributes:
        thresholds: shape (K + 1,), infinity and then each distinct score, falling.
        true_positives: shape (K + 1,), members called members, rising to ``members``.
        false_positives: shape (K + 1,), non-members called members, rising to ``non_members``.
        members: how many there are.
        non_members: how many there are.
    """

    thresholds: Floats
    true_positives: Counts
    false_positives: Counts
    members: int
    non_members: int

    @property
    def tpr(self) -> Floats:
        """True-positive rates, shape (K + 1,)."""
        return self.true_positives / self.members

    @property
    def fpr(self) -> Floats:
        """False-positive rates, shape (K + 1,)."""
        return self.false_positives / self.non_members


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """The best threshold under a limit on false positives.

    Attributes:
        max_fpr: the limit, in [0, 1].
        threshold: samples that score this much or more are called members; may be infinite.
        tpr: true-positive rate, in [0, 1].
        fpr: false-positive rate that is actually reached, at most ``max_fpr``.
        true_positives: members called members, out of ``members``.
        false_positives: non-members called members, out of ``non_members``.
        members: how many there are.
        non_members: how many there are.
    """

    max_fpr: float
    threshold: float
    tpr: float
    fpr: float
    true_positives: int
    false_positives: int
    members: int
    non_members: int


def _check_scores(scores: Array, is_member: Array) -> tuple[Floats, NDArray[np.bool_]]:
    """Scores as float64 and membership as bool, both (N,), with someone on either side."""
    # float64, since infinite and integer scores are valid as well.
    numbers = np.asarray(scores, dtype=np.float64)
    sides = np.asarray(is_member, dtype=np.bool_)
    if numbers.ndim != 1 or numbers.shape != sides.shape:
        raise ValueError(f"scores {numbers.shape} and membership {sides.shape} must be (N,) both")
    # NaN sorts last, and would count as the most likely member.
    if np.isnan(numbers).any():
        raise ValueError(f"{int(np.isnan(numbers).sum())} of {len(numbers)} scores are not numbers")
    # A rate over an empty side is undefined.
    if sides.all() or not sides.any():
        raise PoolError(
            f"members and non-members are both needed, but there are {int(sides.sum())} "
            f"members and {int((~sides).sum())} non-members"
        )
    return numbers, sides


def roc_curve(scores: Array, is_member: Array) -> RocCurve:
    """The curve with one point for each distinct score, and one for predicting no member.

    Args:
        scores: shape (N,), higher means more likely a member; may be infinite.
        is_member: shape (N,), True for members.

    Raises:
        PoolError: if there are no members or no non-members.
        ValueError: if the shapes differ or a score is NaN.
    """
    numbers, sides = _check_scores(scores, is_member)
    members, non_members = int(sides.sum()), int((~sides).sum())
    # scikit-learn refuses infinite scores, which lose nothing as ranks
    rising, ranks = np.unique(numbers, return_inverse=True)
    fpr, tpr, _ = metrics.roc_curve(sides, ranks, drop_intermediate=False)
    return RocCurve(
        thresholds=np.append(np.inf, rising[::-1]),
        # Rounded to counts: rates as fractions do not compare exactly.
        true_positives=np.rint(tpr * members).astype(np.int64),
        false_positives=np.rint(fpr * non_members).astype(np.int64),
        members=members,
        non_members=non_members,
    )


def placements(scores: Array, is_member: Array) -> tuple[Floats, Floats]:
    """Return each sample's rank fraction among the other side; ties count half.

    Returns:
        For each member (M,) the share of non-members below it, and for each non-member (N − M,)
        the share of members above it; the mean of either is the area under the curve.

    Raises:
        PoolError, ValueError: as :func:`roc_curve`.

    Source: DeLong et al. 1988, "Comparing the areas under two or more correlated receiver
    operating characteristic curves" (its structural components); counted by binary search
    instead of pair by pair, which costs as little as the midranks of Sun & Xu 2014.
    """
    numbers, sides = _check_scores(scores, is_member)
    members, others = np.sort(numbers[sides]), np.sort(numbers[~sides])
    return _share_below(numbers[sides], others), 1 - _share_below(numbers[~sides], members)


def _share_below(scores: Floats, rivals: Floats) -> Floats:
    """Of the sorted rivals, the share below each score; ties count half."""
    # The mean of both insertion points counts a tie as half.
    below = rivals.searchsorted(scores, side="left") + rivals.searchsorted(scores, side="right")
    return below / (2 * len(rivals))


def tpr_at_fpr(scores: Array, is_member: Array, *, max_fpr: float) -> OperatingPoint:
    """Highest true-positive rate whose false-positive rate stays at or under ``max_fpr``.

    Ties are never split: every sample of one score is on the same side of the threshold.

    Args:
        scores: shape (N,), higher means more likely a member.
        is_member: shape (N,), True for members.
        max_fpr: in [0, 1].

    Returns:
        Threshold, TPR, the FPR actually reached, and the counts behind both.

    Raises:
        PoolError: if either class is empty, or there are fewer than 10 / max_fpr non-members.
        ValueError: as :func:`roc_curve`.

    Source: Carlini et al. 2022, "Membership Inference Attacks From First Principles", III-A.
    """
    curve = roc_curve(scores, is_member)
    # Fewer allowed errors make the threshold a matter of a few samples.
    if curve.non_members * max_fpr < RESOLVING_ERRORS:
        raise PoolError(
            f"TPR at {max_fpr:.2%} FPR is not resolvable with n = {curve.non_members} non-members"
        )
    # At most the limit, including equality; interpolation would report a rate never reached.
    allowed = np.flatnonzero(curve.fpr <= max_fpr)
    best = allowed[np.argmax(curve.true_positives[allowed])]  # of equals the highest threshold
    return OperatingPoint(
        max_fpr=max_fpr,
        threshold=float(curve.thresholds[best]),
        tpr=float(curve.tpr[best]),
        fpr=float(curve.fpr[best]),
        true_positives=int(curve.true_positives[best]),
        false_positives=int(curve.false_positives[best]),
        members=curve.members,
        non_members=curve.non_members,
    )


def calibrate_threshold(scores: Array, is_member: Array) -> float:
    """The threshold above which to say "member", for the highest balanced accuracy.

    Choose it on attack-train, never on what is reported. It lies in the middle of the gap between
    the two scores that it parts; of equally good gaps the highest is taken. Where nothing beats
    a coin, no member is predicted.

    Args:
        scores: shape (N,), higher means more likely a member.
        is_member: shape (N,), True for members.

    Raises:
        PoolError, ValueError: as :func:`roc_curve`.
    """
    curve = roc_curve(scores, is_member)
    # (TPR − FPR)·M·(N − M), in whole numbers, so that equal is equal
    gain = curve.true_positives * curve.non_members - curve.false_positives * curve.members
    best = int(np.argmax(gain))  # of equals the highest; the last gains nothing, like the first
    if best == 0:
        return float(curve.thresholds[1])  # no score is above the highest one
    # In the middle of the gap, so that neither side's extreme score decides.
    high, low = float(curve.thresholds[best]), float(curve.thresholds[best + 1])
    # Halved before adding, since the sum may overflow; infinite scores give NaN.
    with np.errstate(invalid="ignore", over="ignore"):
        middle = float(np.float64(low) / 2 + np.float64(high) / 2)
    # Rounding may land on an end, and NaN fails the comparison; the lower end is right in both.
    return middle if low <= middle < high else low
