"""Accuracy on unseen samples, bytes on disk, and what a forward pass costs."""

import pytest
import torch
from sklearn.metrics import accuracy_score
from torch import nn

from safecompress_core.api import BLACK_BOX, Params
from safecompress_core.host import load_plugins
from safecompress_core.toolkit import Classifier, Metric, Subject, Topology
from safecompress_plugins.metrics.accuracy import Accuracy
from safecompress_plugins.metrics.manifest import (
    DEFINITIONS,
    AccuracyParams,
    FileBytesParams,
    LatencyParams,
    MacsParams,
    PeakMemoryParams,
)
from tests.plugins.metrics.conftest import subject_of

FLOAT = 4  # bytes


@pytest.fixture
def subject() -> Subject:
    """A network that answers with its input's largest value, on eight samples."""
    network = Classifier(nn.Linear(3, 3, bias=False))
    with torch.no_grad():
        network.head.weight.copy_(torch.eye(3))
    network.topology = Topology.from_masks({"weight": torch.eye(3)})
    inputs = torch.eye(3)[[0, 0, 0, 1, 1, 2, 2, 2]]
    labels = torch.tensor([0, 0, 1, 1, 1, 2, 0, 1])
    return subject_of(network, inputs, labels)


def create(params: Params) -> Metric:
    """Through the registry, as a run does."""
    metric: Metric = load_plugins().registry.create(params)
    return metric


def test_accuracy_is_scikit_learns(subject: Subject) -> None:
    """5 of 8, with an interval that covers it, and each sample's part in it."""
    metric = Accuracy(AccuracyParams())
    expected = accuracy_score(subject.unseen.labels, subject.unseen.predictions)

    found = metric.measure(subject)

    assert found.value == expected == 5 / 8
    assert found.low < expected < found.high
    assert metric.per_sample(subject.unseen).tolist() == [1, 1, 0, 1, 1, 1, 0, 0]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        (FileBytesParams(), 4321),
        (MacsParams(), 9),
        (MacsParams(weights="active"), 3),
        # Nine weights, and for each sample three inputs and three logits.
        (PeakMemoryParams(), FLOAT * (9 + 6)),
        (PeakMemoryParams(batch=10), FLOAT * (9 + 60)),
    ],
)
def test_what_is_counted_is_exact(subject: Subject, params: Params, expected: int) -> None:
    """An interval of no width."""
    found = create(params).measure(subject)

    assert (found.low, found.value, found.high) == (expected, expected, expected)


def test_a_dense_model_has_nothing_but_active_weights(subject: Subject) -> None:
    """It has no topology."""
    subject.network.topology = None

    assert create(MacsParams(weights="active")).measure(subject).value == 9


@pytest.mark.parametrize("statistic", ["median", "p95"])
def test_latency_is_in_milliseconds_and_lies_in_its_interval(
    subject: Subject, statistic: str
) -> None:
    """A matrix of nine weights takes some time, and far less than a second."""
    params = LatencyParams(batch=4, repeats=80, statistic=statistic)

    found = create(params).measure(subject)

    assert 0 < found.low <= found.value <= found.high < 1000


def test_a_call_of_latency_is_of_a_whole_batch(subject: Subject) -> None:
    """Made of the one sample, in eval mode; 20 calls are timed after 5."""
    seen = []
    subject.network.train()
    subject.network.register_forward_pre_hook(
        lambda network, args: seen.append((network.training, args[0]))
    )

    create(LatencyParams(batch=4, repeats=20)).measure(subject)

    assert len(seen) == 25
    assert all(not training for training, _ in seen)
    assert all(torch.equal(batch, torch.eye(3)[[0, 0, 0, 0]]) for _, batch in seen)
    assert subject.network.training


def test_a_percentile_needs_enough_calls() -> None:
    """Below 72 its interval has no upper end; a median is content with fewer."""
    assert LatencyParams(repeats=71).repeats == 71
    with pytest.raises(ValueError, match="71 calls bound no 95th percentile; write repeats: 72"):
        LatencyParams(repeats=71, statistic="p95")


def test_a_model_that_answers_can_be_timed_and_its_file_measured() -> None:
    """Only what counts operations needs its inside."""
    costs = {"accuracy", "file-bytes", "latency", "macs", "peak-memory"}
    answers_suffice = {one.name for one in DEFINITIONS if one.needs <= BLACK_BOX}

    assert answers_suffice & costs == {"accuracy", "file-bytes", "latency"}
