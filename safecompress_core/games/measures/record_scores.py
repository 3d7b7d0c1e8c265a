"""Result of an attack for each record of a pool, and the share of members at high risk."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from safecompress_core.stats.intervals import CONFIDENCE, Estimate, clopper_pearson
from safecompress_core.stats.record_risk import RiskCalibration

__all__ = ["MIN_RISK", "RecordScores", "share_exposed"]

# N samples

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MIN_RISK = 0.9
"""Risk from which a member counts as exposed, unless the spec says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RecordScores:
    """Result of an attack for each of N records.

    Attributes:
        scores: shape (N,), higher means more likely: membership, or the true value of an attribute.
        calibration: membership: from scores to risk; None without details, and in other games.
        values: attribute: the true value, shape (N,); None in other games.
        guesses: attribute: the value that the attack infers, shape (N,); None in other games.
    """

    scores: Floats
    calibration: RiskCalibration | None = None
    values: Ints | None = None
    guesses: Ints | None = None

    @property
    def risks(self) -> Floats | None:
        """Return the calibrated risk of each record, shape (N,); None without a calibration."""
        return None if self.calibration is None else self.calibration.risk(self.scores)


def share_exposed(
    risks: Floats, is_member: Bools, *, min_risk: float = MIN_RISK, confidence: float = CONFIDENCE
) -> Estimate:
    """Return the share of members whose risk is at least ``min_risk``, with Clopper-Pearson.

    Args:
        risks: calibrated, shape (N,), in [0, 1].
        is_member: shape (N,), True for members.
        min_risk: in (0, 1].
        confidence: of the interval.

    Raises:
        PoolError: if there are no members.
    """
    return clopper_pearson(
        int((risks[is_member] >= min_risk).sum()), int(is_member.sum()), confidence=confidence
    )
