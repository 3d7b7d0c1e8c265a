"""Choosing by a weighted sum."""

from collections.abc import Callable

import numpy as np
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


def test_a_cost_takes_its_weight_times_its_share_of_the_uncompressed_model() -> None:
    """0.6 − 0.1 − 2·0.25 = 0, and a model of no cost keeps 0.5."""
    objectives = Objectives(
        performance=np.array([0.6, 0.6]),
        advantage=np.array([[0.1], [0.1]]),
        attack_accuracy=np.array([[0.55], [0.55]]),
        weights=np.ones(1),
        costs={"file-bytes": np.array([0.25, 0.0])},
    )

    utilities = Weighted(WeightedParams(measures={"file-bytes": 2})).utilities(objectives)

    assert utilities.tolist() == pytest.approx([0.0, 0.5])
