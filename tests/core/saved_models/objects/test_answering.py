"""Answers of Python objects."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC
from torch import nn

from safecompress_core.errors import DataError, ModelError
from safecompress_core.saved_models.objects.answering import ask, is_array, tensor_of

INPUTS, LABELS = load_iris(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])


@pytest.fixture(scope="module")
def regression() -> LogisticRegression:
    """A classifier of irises by name."""
    return LogisticRegression(max_iter=500).fit(INPUTS, NAMES[LABELS])


def test_estimators_functions_and_arrays_answer_alike(regression: LogisticRegression) -> None:
    """An estimator also names its outputs."""
    expected = regression.predict_proba(INPUTS)

    for model in (regression, regression.predict_proba, expected, torch.from_numpy(expected)):
        np.testing.assert_allclose(ask(model, INPUTS).values, expected)
    assert ask(regression, INPUTS).names == tuple(NAMES)
    assert ask(regression.predict_proba, INPUTS).names == ()


def test_a_network_is_asked_in_eval_mode_and_stays_in_its_own() -> None:
    """Dropout in train mode would answer differently each time."""
    network = nn.Sequential(nn.Linear(4, 3), nn.Dropout(0.9))

    first, second = (ask(network, INPUTS).values for _ in range(2))

    np.testing.assert_array_equal(first, second)
    assert network.training
    expected = network[0](torch.from_numpy(INPUTS).float()).detach()
    np.testing.assert_allclose(first, expected, rtol=1e-6)


def test_answers_become_logits_in_the_order_of_the_labels(regression: LogisticRegression) -> None:
    """A label that a model has never seen has a probability of 0."""
    classes = ("virginica", "setosa", "versicolor")
    logits = ask(regression, INPUTS).to_logits(classes)
    expected = regression.predict_proba(INPUTS)[:, [2, 0, 1]]
    np.testing.assert_allclose(logits.double().softmax(1), expected, atol=1e-6)

    two = LogisticRegression().fit(INPUTS[:100], NAMES[LABELS[:100]])
    assert ask(two, INPUTS).to_logits(classes)[:, 0].max() < -80

    with pytest.raises(ModelError, match="output 'virginica', and the data have no such label"):
        ask(regression, INPUTS).to_logits(("setosa", "versicolor"))
    with pytest.raises(ModelError, match="3 outputs, and the data have 2 labels"):
        ask(regression.predict_proba, INPUTS).to_logits(("setosa", "versicolor"))


class Nothing:
    """An object that answers nothing."""


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (LogisticRegression(), "LogisticRegression is not fitted; call its fit"),
        (SVC().fit(INPUTS, LABELS), "SVC has no predict_proba"),
        (Nothing(), "an object of type Nothing is no model"),
        (lambda inputs: (row for row in inputs), "is a generator, which can be read once only"),
        (lambda inputs: np.zeros(len(inputs)), "answers with float64 of shape \\(150,\\)"),
        (nn.LSTM(4, 3), "answers with a tuple, and with no tensor"),
    ],
)
def test_what_is_no_model_is_refused(model: Any, message: str) -> None:
    """With what to give instead."""
    with pytest.raises(ModelError, match=message):
        ask(model, INPUTS)


def test_inputs_of_a_network_are_one_tensor() -> None:
    """Token ids stay whole; all other numbers are float32, and texts are refused."""
    assert tensor_of(INPUTS).dtype == torch.float32
    assert tensor_of(pd.DataFrame(INPUTS)).shape == (150, 4)
    assert tensor_of([torch.ones(2), torch.ones(2)]).shape == (2, 2)
    assert tensor_of(np.arange(6).reshape(2, 3)).dtype == torch.int64
    assert tensor_of(np.zeros((2, 1, 3, 3), dtype=np.uint8)).dtype == torch.float32
    with pytest.raises(DataError, match="a network takes numbers"):
        tensor_of(["good", "bad"])


def test_arrays_are_what_has_rows_of_numbers() -> None:
    """A sequence of layers has a length, too, and is a network."""
    assert all(map(is_array, (INPUTS, torch.ones(2), pd.DataFrame(INPUTS), [[0.5, 0.5]])))
    assert not any(map(is_array, (nn.Sequential(), LogisticRegression(), print)))
