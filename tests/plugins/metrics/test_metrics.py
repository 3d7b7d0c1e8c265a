"""Accuracy on unseen samples, and bytes on disk."""

import pytest
import torch
from sklearn.metrics import accuracy_score
from torch import nn

from safecompress_core.host import load_plugins
from safecompress_core.toolkit import Classifier, Subject, observe
from safecompress_plugins.metrics.accuracy import Accuracy
from safecompress_plugins.metrics.manifest import DEFINITIONS, AccuracyParams, SizeParams
from safecompress_plugins.metrics.size import Size


@pytest.fixture
def subject() -> Subject:
    """A network that answers with its input's largest value, on eight samples."""
    network = Classifier(nn.Linear(3, 3, bias=False))
    with torch.no_grad():
        network.head.weight.copy_(torch.eye(3))
    inputs = torch.eye(3)[[0, 0, 0, 1, 1, 2, 2, 2]]
    labels = torch.tensor([0, 0, 1, 1, 1, 2, 0, 1])
    return Subject(unseen=observe(network, inputs, labels), file_bytes=4321)


def test_accuracy_is_scikit_learns(subject: Subject) -> None:
    """5 of 8, with an interval that covers it, and each sample's part in it."""
    metric = Accuracy(AccuracyParams())
    expected = accuracy_score(subject.unseen.labels, subject.unseen.predictions)

    found = metric.measure(subject)

    assert found.value == expected == 5 / 8
    assert found.low < expected < found.high
    assert metric.per_sample(subject.unseen).tolist() == [1, 1, 0, 1, 1, 1, 0, 0]


def test_size_is_exact(subject: Subject) -> None:
    """An interval of no width."""
    found = Size(SizeParams()).measure(subject)

    assert (found.low, found.value, found.high) == (4321, 4321, 4321)


def test_a_smaller_file_is_better_and_a_larger_accuracy_too() -> None:
    """What gates and tables go by."""
    assert {one.name: one.higher_is_better for one in DEFINITIONS} == {
        "accuracy": True,
        "size": False,
    }


def test_the_definitions_build_what_they_name() -> None:
    """Through the registry, as a run does."""
    create = load_plugins().registry.create

    assert isinstance(create(AccuracyParams()), Accuracy)
    assert isinstance(create(SizeParams()), Size)
