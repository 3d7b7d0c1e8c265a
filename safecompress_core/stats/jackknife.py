"""Jackknife: the sampling error of an estimate from estimates that leave a group out each."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from safecompress_core.stats.intervals import CONFIDENCE

__all__ = ["delete_group_interval"]

# G groups

Floats = NDArray[np.float64]


def delete_group_interval(
    values: Floats, without_group: Floats, *, confidence: float = CONFIDENCE
) -> tuple[Floats, Floats]:
    """Return both ends of Student's interval, with the delete-a-group jackknife's variance.

    (G − 1) / G times the sum of squared deviations of the G estimates from their mean, with G − 1
    degrees of freedom.

    Args:
        values: estimates from everything, of any shape S.
        without_group: shape (G, *S), the same without one group each; groups are equally large.
        confidence: of each interval by itself.

    Raises:
        ValueError: if there are fewer than 3 groups.

    Source: Quenouille 1956 and Tukey 1958 for the jackknife; Kott 2001, "The delete-a-group
    jackknife", Journal of Official Statistics, for groups.
    """
    count = len(without_group)
    if count < 3:
        raise ValueError(f"a jackknife needs 3 groups, and has {count}")
    deviations = without_group - without_group.mean(axis=0)
    spread = np.sqrt((count - 1) / count * np.square(deviations).sum(axis=0))
    half = float(stdtrit(count - 1, (1 + confidence) / 2)) * spread
    return values - half, values + half
