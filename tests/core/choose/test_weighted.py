"""Choosing by a weighted sum."""

from collections.abc import Callable

import pytest

from safecompress_core.choose.aggregator import Objectives
from safecompress_core.choose.manifest import WeightedParams
from safecompress_core.choose.weighted import Weighted


def test_sum_of_weighted_objectives(candidates: Callable[..., Objectives]) -> None:
    """2·0.6 / 0.5 − (1·0.2 + 3·0.1) / 0.25 = 2.4 − 2."""
    params = WeightedParams(performance_weight=2, performance_scale=0.5, advantage_scale=0.25)

    utilities = Weighted(params).utilities(candidates([0.6], [[0.2, 0.1]], weights=[1, 3]))

    assert utilities.tolist() == pytest.approx([0.4])


def test_by_default_one_point_of_accuracy_buys_one_point_of_advantage(
    candidates: Callable[..., Objectives],
) -> None:
    """All scales and weights are 1, so that the sum is accuracy minus advantage."""
    utilities = Weighted(WeightedParams()).utilities(candidates([0.6, 0.5], [[0.3], [0.1]]))

    assert utilities.tolist() == pytest.approx([0.3, 0.4])
