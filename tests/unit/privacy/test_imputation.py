"""The best guess of an attribute that needs no model."""

import numpy as np

from safecompress_core.privacy.imputation import best_imputation


def test_the_majority_is_guessed_where_labels_tell_nothing() -> None:
    """Four samples a label: a majority per label would only win on the samples it was made from."""
    generator = np.random.default_rng(18)
    labels, values = np.arange(2000) % 500, generator.choice(3, 2000, p=[0.6, 0.2, 0.2])

    imputation = best_imputation(labels, values)

    assert imputation.rule == "majority"
    assert imputation.guess(np.array([0, 5, 77])).tolist() == [0, 0, 0]


def test_the_majority_per_label_is_guessed_where_labels_tell() -> None:
    """Label 0 goes with value 2, label 1 with value 1; an unknown label gets the majority."""
    labels = np.array([0] * 20 + [1] * 15)
    values = np.array([2] * 18 + [0] * 2 + [1] * 15)

    imputation = best_imputation(labels, values)

    assert imputation.rule == "majority-per-label"
    assert imputation.guess(np.array([0, 1, 9])).tolist() == [2, 1, 2]


def test_the_rule_does_not_depend_on_the_order_of_the_samples() -> None:
    """Sorted, shuffled, or with members first: the same folds of the same pairs."""
    generator = np.random.default_rng(18)
    for _ in range(20):
        labels = generator.integers(4, size=60)
        values = (labels + (generator.random(60) < 0.7) * generator.integers(3, size=60)) % 3
        order = generator.permutation(60)

        rule = best_imputation(labels, values).rule

        assert best_imputation(labels[order], values[order]).rule == rule
