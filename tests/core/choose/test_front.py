"""Dominance, scales and hypervolume."""

from itertools import combinations

import moocore
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from safecompress_core.choose.front import (
    REFERENCE,
    greedy_by_hypervolume,
    hypervolume_contributions,
    is_nondominated,
    normalise,
)

POINTS = arrays(
    float,
    st.tuples(st.integers(1, 8), st.integers(1, 4)),
    elements=st.integers(0, 10).map(lambda tenth: tenth / 10),
)


@given(POINTS)
def test_nondominated_agrees_with_its_definition(points: np.ndarray) -> None:
    """A point is dominated by one that is nowhere worse and somewhere better."""
    expected = [
        not any((other <= point).all() and (other < point).any() for other in points)
        for point in points
    ]
    assert is_nondominated(points).tolist() == expected


@given(POINTS)
def test_contribution_is_what_the_hypervolume_loses(points: np.ndarray) -> None:
    """Recomputed by leaving each distinct point of the front out, with one dimension too."""
    front = normalise(points, is_nondominated(points))[is_nondominated(points)]
    distinct = np.unique(front, axis=0)

    contributions = hypervolume_contributions(front)

    for point, contribution in zip(front, contributions, strict=True):
        rest = distinct[(distinct != point).any(axis=1)]
        assert contribution == pytest.approx(_volume(distinct) - _volume(rest), abs=1e-9)


def test_the_front_spans_the_unit_box() -> None:
    """Dominated points may lie outside; a loss that is the same all over is only shifted."""
    points = np.array([[2.0, 30.0, 5.0], [4.0, 10.0, 5.0], [6.0, 40.0, 6.0]])

    scaled = normalise(points, np.array([True, True, False]))

    assert scaled.tolist() == [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [2.0, 1.5, 1.0]]


def test_greedy_subset_takes_the_largest_gain_first() -> None:
    """The middle covers (1.1 − 0.2)² = 0.81; then either end adds as much, and the first wins."""
    front = np.array([[0.0, 1.0], [0.2, 0.2], [1.0, 0.0]])

    assert greedy_by_hypervolume(front, 2) == [1, 0]
    assert greedy_by_hypervolume(front, 9) == [1, 0, 2]


def test_greedy_subset_covers_most_of_the_best_one() -> None:
    """Never less than 1 − 1/e of the best of all subsets, found by trying them all."""
    for seed in range(10):
        points = np.random.default_rng(seed).random((12, 3))
        front = normalise(points, is_nondominated(points))[is_nondominated(points)]
        count = min(3, len(front))

        greedy = _volume(front[greedy_by_hypervolume(front, count)])

        best = max(
            _volume(front[list(chosen)]) for chosen in combinations(range(len(front)), count)
        )
        assert best * (1 - 1 / np.e) <= greedy <= best + 1e-12


def _volume(points: np.ndarray) -> float:
    """Straight from moocore; of one loss, the length."""
    if not len(points):
        return 0.0
    if points.shape[1] == 1:
        return (REFERENCE - float(points.min())) * 1.0
    return float(moocore.hypervolume(points, ref=[REFERENCE] * points.shape[1]))
