"""Statistics over seeds: means with intervals, and significant differences.

A seed draws pools, first weights and batches alike for all variants, so variants are compared
seed by seed: what a seed has of luck, all of them have.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from safecompress_core.results.schema import Interval, SummaryRecord

__all__ = ["CONFIDENCE", "is_best", "summary"]

CONFIDENCE = 0.95
ROUNDING = 1e-9
"""Gains that differ by less are the same."""

Array = NDArray[np.float64]


def summary(values: Sequence[float]) -> SummaryRecord:
    """Return the mean of values, one a seed, with its 95 % interval by Student's t.

    The interval is None where a single seed shows nothing of the spread.
    """
    # The result of ``fsum`` does not depend on the order of the seeds.
    mean = math.fsum(values) / len(values)
    return SummaryRecord(mean=mean, interval=_interval(values, mean), values=tuple(values))


def _interval(values: Sequence[float], mean: float) -> Interval | None:
    if len(values) < 2:
        return None
    # Student's t with n − 1 degrees of freedom, since seeds are few.
    reach = stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1) * stats.sem(values)
    return mean - float(reach), mean + float(reach)


def is_best(
    candidate: Sequence[float], others: Sequence[Sequence[float]], *, higher_is_better: bool
) -> bool:
    """Return whether a variant is better than each other beyond what seeds explain.

    A paired t-test against each, with Holm's correction for their number. With fewer than two
    seeds, or where there is no other variant, nothing is best.

    Args:
        candidate: the variant's values, one a seed.
        others: those of the others for the same seeds.
        higher_is_better: which way is better.
    """
    if len(candidate) < 2 or not others:
        return False
    sign = 1 if higher_is_better else -1
    # Paired by seed, which removes the variance that all variants share.
    gains = sign * (np.asarray(candidate, dtype=np.float64) - np.asarray(others, dtype=np.float64))
    # A variant that is worse on average anywhere cannot be best, whatever the p-value.
    if (gains.mean(axis=1) <= 0).any():
        return False
    return _all_significant([_p_value(row) for row in gains])


def _p_value(gains: Array) -> float:
    """Two-sided, that the mean gain is 0; a gain that is the same in all seeds is no chance."""
    # The t statistic would be 0/0 or infinite.
    if np.ptp(gains) < ROUNDING:
        return 0.0
    return float(stats.ttest_1samp(gains, 0.0).pvalue)


def _all_significant(p_values: Sequence[float]) -> bool:
    """Return whether Holm's procedure rejects every hypothesis (Holm 1979)."""
    ordered = sorted(p_values)
    alpha = 1 - CONFIDENCE
    # Step-down: the smallest p-value is compared with α/m, the largest with α.
    return all(p <= alpha / (len(ordered) - rank) for rank, p in enumerate(ordered))
