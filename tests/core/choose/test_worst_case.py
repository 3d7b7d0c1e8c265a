"""Choosing by the attack that succeeds best."""

from collections.abc import Callable

import numpy as np
import pytest

from safecompress_core.choose.aggregator import Objectives
from safecompress_core.choose.manifest import WorstCaseParams
from safecompress_core.choose.worst_case import WorstCase


def test_the_smallest_largest_advantage_wins(candidates: Callable[..., Objectives]) -> None:
    """A low mean does not make up for one attack that succeeds."""
    objectives = candidates([0.5, 0.5], [[0.0, 0.4], [0.3, 0.3]])

    utilities = WorstCase(WorstCaseParams(floor=0)).utilities(objectives)

    assert utilities.tolist() == pytest.approx([-0.4, -0.3], abs=1e-5)


def test_weights_multiply_relative_to_the_largest(candidates: Callable[..., Objectives]) -> None:
    """At half the weight, an advantage of 0.4 counts as 0.2."""
    objectives = candidates([0.5, 0.5], [[0.0, 0.4], [0.3, 0.3]], weights=[10, 5])

    utilities = WorstCase(WorstCaseParams(floor=0)).utilities(objectives)

    assert utilities.tolist() == pytest.approx([-0.2, -0.3], abs=1e-5)


def test_below_the_floor_candidates_rank_by_what_they_miss(
    candidates: Callable[..., Objectives],
) -> None:
    """However safe, they come after the leakiest that reaches the floor, which itself is enough."""
    objectives = candidates([0.2, 0.6, 0.5, 0.9], [[0.0], [1.0], [0.3], [0.9]])

    utilities = WorstCase(WorstCaseParams(floor=0.6)).utilities(objectives)

    assert np.argsort(-utilities).tolist() == [3, 1, 2, 0]


def test_equals_are_told_apart_by_the_other_objectives(
    candidates: Callable[..., Objectives],
) -> None:
    """The same worst attack: then accuracy, or the other attack, decides."""
    objectives = candidates([0.5, 0.6, 0.6], [[0.3, 0.2], [0.3, 0.2], [0.3, 0.1]])

    utilities = WorstCase(WorstCaseParams(floor=0)).utilities(objectives)

    assert np.argsort(-utilities).tolist() == [2, 1, 0]
