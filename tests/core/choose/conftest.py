"""Candidates for the tests of choosing."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from safecompress_core.choose.aggregator import Objectives

Candidates = Callable[..., Objectives]


@pytest.fixture
def candidates() -> Candidates:
    """Makes objectives of membership attacks, whose accuracy is (1 + advantage) / 2."""

    def make(
        performance: Sequence[float],
        advantage: Sequence[Sequence[float]],
        weights: Sequence[float] | None = None,
    ) -> Objectives:
        table = np.array(advantage, dtype=float).reshape(len(performance), -1)
        return Objectives(
            performance=np.array(performance, dtype=float),
            advantage=table,
            attack_accuracy=(1 + table) / 2,
            weights=np.ones(table.shape[1]) if weights is None else np.array(weights, dtype=float),
        )

    return make
