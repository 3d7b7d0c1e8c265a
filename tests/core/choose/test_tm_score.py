"""Choosing by TM-score."""

from collections.abc import Callable

import numpy as np
import pytest

from safecompress_core.choose.aggregator import Objectives
from safecompress_core.choose.manifest import TmScoreParams
from safecompress_core.choose.tm_score import TmScore


def test_task_accuracy_over_attack_accuracy(candidates: Callable[..., Objectives]) -> None:
    """0.6 / 0.75 with λ = 1, and 0.36 / 0.75 with λ = 2."""
    objectives = candidates([0.6], [[0.5]])

    assert TmScore(TmScoreParams()).utilities(objectives).tolist() == pytest.approx([0.8])
    squared = TmScore(TmScoreParams(exponent=2)).utilities(objectives)
    assert squared.tolist() == pytest.approx([0.48])


def test_exponent_decides_between_accuracy_and_safety(
    candidates: Callable[..., Objectives],
) -> None:
    """The more accurate model leaks more: 0.8/0.9 < 0.6/0.6, but 0.64/0.9 > 0.36/0.6."""
    objectives = candidates([0.8, 0.6], [[0.8], [0.2]])

    assert np.argmax(TmScore(TmScoreParams()).utilities(objectives)) == 1
    assert np.argmax(TmScore(TmScoreParams(exponent=2)).utilities(objectives)) == 0


def test_several_attacks_count_by_their_weighted_mean(
    candidates: Callable[..., Objectives],
) -> None:
    """Accuracies 0.6 and 0.8 of weights 3 and 1 have the mean 0.65."""
    objectives = candidates([0.65], [[0.2, 0.6]], weights=[3, 1])

    assert TmScore(TmScoreParams()).utilities(objectives).tolist() == pytest.approx([1.0])


def test_an_attack_that_is_never_right_scores_high_but_finite() -> None:
    """A probe of many classes may miss them all; the score is still a number."""
    objectives = Objectives(
        performance=np.array([0.5, 0.5]),
        advantage=np.zeros((2, 1)),
        attack_accuracy=np.array([[0.0], [0.1]]),
        weights=np.ones(1),
    )

    utilities = TmScore(TmScoreParams()).utilities(objectives)

    assert np.isfinite(utilities).all()
    assert utilities[0] > utilities[1]
