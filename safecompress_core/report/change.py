"""Change of a figure from the uncompressed to the compressed model, and its direction.

A change counts only beyond the audit's noise: of two measurements on the same samples, neither
estimate lies in the other's interval.
"""

from typing import Literal

from safecompress_core.results.schema import EstimateRecord, Interval

__all__ = ["Direction", "direction"]

Direction = Literal["better", "worse", "same", "caution"]
"""``caution`` is for a worst-case figure that did not improve."""


def direction(
    before: EstimateRecord, after: EstimateRecord, *, higher_is_better: bool
) -> Direction:
    """Compare two measurements of one figure.

    Args:
        before: of the uncompressed model.
        after: of the compressed model.
        higher_is_better: which way is better.

    Returns:
        ``better``, ``worse``, or ``same`` within the noise.
    """
    if _within(after.value, before.interval) or _within(before.value, after.interval):
        return "same"
    return "better" if (after.value > before.value) == higher_is_better else "worse"


def _within(value: float, ends: Interval) -> bool:
    return ends[0] <= value <= ends[1]
