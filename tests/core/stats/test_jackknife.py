"""The delete-a-group jackknife, by hand and against the standard error of a mean."""

import numpy as np
import pytest
from scipy import stats

from safecompress_core.stats.jackknife import delete_group_interval


def test_of_a_mean_it_is_students_interval_of_the_groups_means() -> None:
    """Groups of four: the same as a t interval of eight means, which scipy computes."""
    values = np.random.default_rng(3).normal(size=(8, 4, 5))
    without = np.stack([np.delete(values, group, axis=0).mean(axis=(0, 1)) for group in range(8)])

    low, high = delete_group_interval(values.mean(axis=(0, 1)), without)

    means = values.mean(axis=1)
    wanted = stats.t.interval(0.95, 7, loc=means.mean(axis=0), scale=stats.sem(means, axis=0))
    np.testing.assert_allclose((low, high), wanted)


def test_estimates_that_agree_have_an_interval_of_no_width() -> None:
    """No spread over groups."""
    low, high = delete_group_interval(np.array([2.0]), np.full((3, 1), 2.0))

    assert (low, high) == (2.0, 2.0)


def test_two_groups_are_too_few() -> None:
    """One degree of freedom."""
    with pytest.raises(ValueError, match="3 groups, and has 2"):
        delete_group_interval(np.zeros(1), np.zeros((2, 1)))
