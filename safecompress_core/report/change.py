"""Change of a figure from the uncompressed to the compressed model, and its direction.

A change counts only beyond the audit's noise: of two measurements on the same samples, neither
estimate lies in the other's interval.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

__all__ = ["Direction", "direction"]

Direction = Literal["better", "worse", "same", "caution"]
"""``caution`` is for a worst-case figure that did not improve."""


def direction(
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    measure: str,
    ends: str,
    *,
    higher_is_better: bool,
) -> Direction:
    """Compare two measurements of one figure.

    Args:
        before: of the uncompressed model.
        after: of the compressed model.
        measure: key of the estimate in both.
        ends: key of its interval in both.
        higher_is_better: which way is better.

    Returns:
        ``better``, ``worse``, or ``same`` within the noise.
    """
    old, new = before[measure], after[measure]
    if _within(new, before[ends]) or _within(old, after[ends]):
        return "same"
    return "better" if (new > old) == higher_is_better else "worse"


def _within(value: float, ends: Sequence[float]) -> bool:
    return bool(ends[0] <= value <= ends[1])
