"""Metrics that are means over samples, with their intervals."""

import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from safecompress_core.attacks.observations import Observations, observe
from safecompress_core.metric import SampleMetric, Subject
from safecompress_core.networks.classifier import Classifier


class Given(SampleMetric):
    def __init__(self, *values: float) -> None:
        self._values = torch.tensor(values)

    def per_sample(self, unseen: Observations) -> Tensor:
        return self._values


@pytest.fixture
def subject() -> Subject:
    """Any model will do."""
    network = Classifier(nn.Linear(2, 2))
    seen = observe(network, torch.zeros(3, 2), torch.zeros(3, dtype=torch.int64))
    return Subject(unseen=seen, file_bytes=1, network=network, sample=torch.zeros(1, 2))


def test_hits_and_misses_have_the_exact_binomial_interval(subject: Subject) -> None:
    """3 of 4, as scipy has it."""
    found = Given(1, 1, 0, 1).measure(subject)
    expected = stats.binomtest(3, 4).proportion_ci(method="exact")

    assert found.value == 0.75
    assert found.interval == pytest.approx((expected.low, expected.high))


def test_values_between_have_student_s_interval_within_0_and_1(subject: Subject) -> None:
    """Of the values with one observation at either bound; 2.570582 is t's quantile at 5 degrees."""
    values = [0.2, 0.4, 0.9, 0.5]
    found = Given(*values).measure(subject)
    error = float(torch.tensor([*values, 0.0, 1.0], dtype=torch.float64).std()) / 6**0.5

    assert found.value == pytest.approx(0.5)
    assert found.interval == pytest.approx((0.5 - 2.570582 * error, 0.5 + 2.570582 * error))
    assert Given(0.9, 1.0, 0.99, 0.5).measure(subject).high == 1.0
