"""Detection of another data set's samples, against scikit-learn."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from safecompress_core.toolkit import Dataset, Subject
from safecompress_plugins.metrics.manifest import OutOfDistributionParams
from safecompress_plugins.metrics.out_of_distribution import OutOfDistribution, weighted_auc
from tests.plugins.metrics.conftest import iris_subject
from tests.plugins.metrics.test_groups import trial_of

OTHERS = torch.randn(60, 2, generator=torch.Generator().manual_seed(2)) * 4 + 2


class Source:
    """Yields the given samples, whatever its parameters."""

    def __init__(self, inputs: torch.Tensor) -> None:
        self._inputs = inputs

    def load(self) -> Dataset:
        labels = torch.zeros(len(self._inputs), dtype=torch.int64)
        return Dataset(inputs=self._inputs, labels=labels, classes=("?",), attributes={})


def asked(inputs: torch.Tensor = OTHERS) -> Subject:
    """A model of iris, and these samples as the other data set."""
    return replace(iris_subject(), create=lambda _: Source(inputs))


def metric(**params: Any) -> OutOfDistribution:
    """Any parameters of data serve, since the source ignores them."""
    data = OutOfDistributionParams.model_construct
    return OutOfDistribution(
        data(**{"data": None, "score": "confidence", "samples": 1000} | params)
    )


@pytest.mark.parametrize("score", ["confidence", "energy"])
def test_the_area_is_scikit_learn_s(score: str) -> None:
    """Of the largest posterior, or of the free energy, of both data sets."""
    subject = asked()
    with torch.no_grad():
        logits = [subject.unseen.logits, subject.network(OTHERS)]
    scores = [
        part.double().logsumexp(1) if score == "energy" else part.double().softmax(1).amax(1)
        for part in logits
    ]
    truth = np.repeat([1, 0], [len(part) for part in scores])

    found = metric(score=score).measure(subject)

    assert found.value == pytest.approx(roc_auc_score(truth, torch.cat(scores)))
    assert found.low < found.value < found.high


def test_a_draw_counts_samples_as_often_as_it_holds_them() -> None:
    """With ties: scikit-learn's area with those weights."""
    generator = np.random.default_rng(1)
    scores = generator.integers(0, 5, size=40).astype(float)
    truth = generator.random(40) < 0.4
    weights = generator.integers(0, 3, size=(6, 40))

    found = weighted_auc(scores, truth, weights)

    expected = [roc_auc_score(truth, scores, sample_weight=row) for row in weights]
    np.testing.assert_allclose(found, expected)


def test_as_many_samples_are_taken_as_asked_for() -> None:
    """Drawn by the seed, so the same for every model."""
    details = metric(samples=20).values(asked()).details

    assert details == {"samples": len(asked().unseen), "others": 20}


def test_samples_of_another_shape_are_refused() -> None:
    """With both shapes, at the data set."""
    subject = asked(torch.zeros(12, 1, 8, 8))

    [problem] = metric().check(trial_of(subject))

    assert problem.path == ("data",)
    assert problem.message == "its samples have shape (1, 8, 8), and those of the task (2,)"
