"""Generalisation gap on iris."""

import numpy as np
from sklearn.metrics import accuracy_score

from safecompress_plugins.metrics.generalisation import GeneralisationGap
from safecompress_plugins.metrics.manifest import GeneralisationGapParams
from tests.plugins.metrics.conftest import iris_subject


def test_the_gap_is_the_difference_of_scikit_learn_s_accuracies() -> None:
    """On the members and on the others of the pool."""
    subject = iris_subject(members=50)
    seen = subject.asked.seen
    inside, outside = (
        accuracy_score(seen.labels[side], seen.predictions[side])
        for side in (slice(0, 50), slice(50, None))
    )

    found = GeneralisationGap(GeneralisationGapParams()).measure(subject)

    assert np.isclose(found.value, inside - outside)
    assert found.low < found.value < found.high


def test_a_model_that_answers_alike_on_both_sides_has_no_gap() -> None:
    """One of two members and one of two others is right."""
    subject = iris_subject(members=50)
    metric = GeneralisationGap(GeneralisationGapParams())
    numbers = np.array([[1, 0, 1, 0], [0, 0, 1, 0], [0, 1, 0, 1], [0, 0, 0, 1]])

    assert metric.statistic(numbers, np.ones((1, 4))) == 0
    assert metric.statistic(numbers, np.array([[2, 0, 1, 1]])) == 0.5
    assert metric.values(subject).strata.sum() == 50
