"""Predictions of a model as samples."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from safecompress_core.data.dataset import Dataset
from safecompress_core.data.predictions import dataset_of_predictions
from safecompress_core.errors import DataError

Floats = NDArray[np.float64]

NAMES = ("setosa", "versicolor", "virginica")


@pytest.fixture(scope="module")
def probabilities() -> Floats:
    """Predictions of a logistic regression for the 150 irises."""
    inputs, labels = load_iris(return_X_y=True)
    model = LogisticRegression(max_iter=500).fit(inputs, labels)
    answers: Floats = model.predict_proba(inputs)
    return answers


def labels() -> list[str]:
    """The species of each iris."""
    return [NAMES[label] for label in load_iris(return_X_y=True)[1]]


def loaded(answers: Floats, true: list[str] | None = None, **options: Any) -> Dataset:
    """The samples of some predictions, of which the first half are members."""
    is_member = torch.arange(len(answers)) < len(answers) // 2
    return dataset_of_predictions(answers, true or labels(), NAMES, is_member=is_member, **options)


def test_the_input_of_a_record_is_the_answer_to_it(probabilities: Floats) -> None:
    """Labels are numbered as the outputs are, whichever spelling the file has."""
    dataset = loaded(probabilities)

    assert dataset.holds_answers
    assert dataset.classes == NAMES
    assert isinstance(dataset.inputs, torch.Tensor)
    np.testing.assert_allclose(dataset.inputs.numpy(), probabilities, rtol=1e-6)
    assert dataset.labels.tolist() == load_iris(return_X_y=True)[1].tolist()
    assert "probabilities of 3 labels" in dataset.notes[0]

    numbered = loaded(probabilities, [str(NAMES.index(name)) for name in labels()])
    assert torch.equal(numbered.labels, dataset.labels)
    assert "numbers of the model's outputs" in numbered.notes[1]


@pytest.mark.parametrize(
    "change", [lambda p: 100 * p, lambda p: p.round(2), lambda p: p.astype(np.float16)]
)
def test_percentages_and_rounded_probabilities_are_probabilities(
    change: Any, probabilities: Floats
) -> None:
    """A sum may miss the whole by the rounding of each of its terms."""
    assert "probabilities" in loaded(change(probabilities).astype(np.float64)).notes[0]


def test_answers_are_told_by_their_values(probabilities: Floats) -> None:
    """Unless the caller says what they are."""
    logits = np.log(probabilities)

    assert "logits" in loaded(logits).notes[0]
    assert "logits" in loaded(probabilities, kind="logits").notes[0]
    with pytest.raises(DataError, match="150 of 150 records do not sum to 1; the first is row 1"):
        loaded(logits, kind="probabilities")


def test_values_from_0_to_1_are_probabilities_and_must_sum_to_1(probabilities: Floats) -> None:
    """Those of labels one by one (sigmoids) would be wrong as logits, without a word."""
    with pytest.raises(DataError, match="150 of 150 records do not sum to 1; the first is row 1"):
        loaded(probabilities / 2)
    assert "logits" in loaded(probabilities / 2, kind="logits").notes[0]
    assert "logits" in loaded(np.zeros((150, 3))).notes[0]


def test_the_first_record_at_fault_is_named(probabilities: Floats) -> None:
    """Its number counts from 1, with what is wrong of it."""
    broken = probabilities.copy()
    broken[[4, 9], 1] = [np.nan, np.inf]
    with pytest.raises(DataError, match="2 of 150 records .* not finite; the first is row 5"):
        loaded(broken)

    wrong = probabilities.copy()
    wrong[6] = [0.5, 0.5, 0.5]
    with pytest.raises(DataError, match="1 of 150 .* the first is row 7, with a sum of 1.5"):
        loaded(wrong)

    negative = probabilities.copy()
    negative[2] = [-0.5, 1, 0.5]
    with pytest.raises(DataError, match="row 3, with a sum of 1, the lowest of them -0.5"):
        loaded(negative)

    unknown = labels()
    unknown[11] = "rosa"
    with pytest.raises(DataError, match="label of row 12, 'rosa', is none of the model's: setosa"):
        loaded(probabilities, unknown)


def test_there_are_several_outputs_of_different_names(probabilities: Floats) -> None:
    """A single column says nothing of the other labels."""
    is_member = torch.arange(150) < 75
    with pytest.raises(DataError, match="there is one output, 'setosa'"):
        dataset_of_predictions(probabilities[:, :1], labels(), NAMES[:1], is_member=is_member)
    with pytest.raises(DataError, match="two outputs are called 'setosa'"):
        dataset_of_predictions(
            probabilities, labels(), ("setosa", "setosa", "virginica"), is_member=is_member
        )
