"""Imputation of a private attribute without the model."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from safecompress_core.data.dataset import Dataset
from safecompress_core.games.measures import imputation
from safecompress_core.games.measures.imputation import (
    CATEGORICAL,
    AttributeTrainingSet,
    Imputation,
    PublicFeatures,
    best_imputation,
)


def best(labels: np.ndarray, values: np.ndarray, public: np.ndarray | None = None) -> Imputation:
    """Return the best imputation for these samples."""
    return best_imputation(AttributeTrainingSet(PublicFeatures(labels, public), values))


def test_the_majority_is_guessed_where_labels_tell_nothing() -> None:
    """Four samples a label: a majority per label would only fit its own training samples."""
    generator = np.random.default_rng(18)
    labels, values = np.arange(2000) % 500, generator.choice(3, 2000, p=[0.6, 0.2, 0.2])

    found = best(labels, values)

    assert found.rule == "majority"
    assert found.guess(PublicFeatures(np.array([0, 5, 77]))).tolist() == [0, 0, 0]


def test_the_majority_per_label_is_guessed_where_labels_tell() -> None:
    """Label 0 goes with value 2, label 1 with value 1; an unknown label gets the majority."""
    labels = np.array([0] * 20 + [1] * 15)
    values = np.array([2] * 18 + [0] * 2 + [1] * 15)

    found = best(labels, values)

    assert found.rule == "majority-per-label"
    assert found.guess(PublicFeatures(np.array([0, 1, 9]))).tolist() == [2, 1, 2]


def test_the_rule_does_not_depend_on_the_order_of_the_samples() -> None:
    """Sorted, shuffled, or with members first: the same folds of the same pairs."""
    generator = np.random.default_rng(18)
    for _ in range(20):
        labels = generator.integers(4, size=60)
        values = (labels + (generator.random(60) < 0.7) * generator.integers(3, size=60)) % 3
        order = generator.permutation(60)

        rule = best(labels, values).rule

        assert best(labels[order], values[order]).rule == rule


def test_a_line_through_public_features_is_learned_as_scikit_learn_does(
    all_digits: Dataset,
) -> None:
    """The attribute is the digit's parity; public are half of the pixels and the session."""
    values = (all_digits.labels.numpy() % 2).astype(np.int64)
    labels = all_digits.attributes["session"].values.numpy()
    public = all_digits.inputs[:, :32].double().numpy()
    known, asked = np.arange(0, 300), np.arange(300, 1797)

    found = best(labels[known], values[known], public[known])

    assert found.rule in ("logistic", "boosting")
    theirs = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    seen = labels[known].max() + 1
    features = np.concatenate([public, np.eye(14)[labels][:, :seen]], axis=1)
    theirs.fit(features[known], values[known])
    logistic = imputation.logistic(
        AttributeTrainingSet(PublicFeatures(labels[known], public[known]), values[known])
    )
    guesses = logistic(PublicFeatures(labels[asked], public[asked]))
    assert (guesses == theirs.predict(features[asked])).mean() > 0.999
    told = (found.guess(PublicFeatures(labels[asked], public[asked])) == values[asked]).mean()
    assert told > (values[asked] == 0).mean() + 0.2


def test_boosting_is_taken_where_no_line_tells() -> None:
    """The attribute is whether two public numbers have the same sign, which is not linear."""
    generator = np.random.default_rng(18)
    public = generator.normal(size=(600, 2))
    values = (public[:, 0] * public[:, 1] > 0).astype(np.int64)
    labels = np.zeros(600, dtype=np.int64)

    found = best(labels[:400], values[:400], public[:400])

    assert found.rule == "boosting"
    assert (found.guess(PublicFeatures(labels[400:], public[400:])) == values[400:]).mean() > 0.85


def test_the_simplest_rule_is_taken_where_features_tell_nothing_more() -> None:
    """On attributes that follow the label, fitted rules are as good as the label's majority."""
    labels = np.arange(200) % 2
    found = best(labels, labels.copy(), np.zeros((200, 3)))

    assert found.rule == "majority-per-label"


def test_the_same_knowledge_is_learned_from_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A candidate or another attack has the same attack-train, so nothing is fitted again."""
    calls = []
    label_rules = dict(CATEGORICAL.label_rules)
    majority = label_rules["majority"]
    label_rules["majority"] = lambda known: calls.append(1) or majority(known)
    counted = replace(CATEGORICAL, label_rules=label_rules)
    monkeypatch.setattr(imputation, "CATEGORICAL", counted)
    labels, values = np.arange(97) % 5, np.arange(97) % 3

    first = best(labels, values)
    fitted = len(calls)
    again = best(labels.copy(), values.copy())

    assert fitted > 0
    assert again is first
    assert len(calls) == fitted
    assert best(labels, (values + 1) % 3) is not first


def test_an_attribute_of_one_value_is_that_value() -> None:
    """There is nothing to fit, with or without features."""
    ones = np.ones(40, dtype=np.int64)

    found = best(np.arange(40) % 2, ones, np.random.default_rng(18).normal(size=(40, 3)))

    assert found.guess(PublicFeatures(np.array([0, 1, 2]), np.zeros((3, 3)))).tolist() == [1, 1, 1]


def test_without_features_the_median_of_the_label_is_guessed_where_labels_tell() -> None:
    """Label 0 goes with about 10, label 1 with about 50; an unknown label gets the median."""
    labels = np.arange(101) % 2
    numbers = 10 + 40.0 * labels + np.arange(101) / 100

    learned = best(labels, numbers)

    assert learned.rule == "median-per-label"
    guesses = learned.guess(PublicFeatures(np.array([0, 1, 7])))
    expected = [np.median(numbers[labels == 0]), np.median(numbers[labels == 1])]
    assert guesses.tolist() == [*expected, np.median(numbers)]
