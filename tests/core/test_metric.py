"""Metrics that are means over samples, with their intervals."""

from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from safecompress_core.attacks.observations import Observations, observe
from safecompress_core.attacks.observed_pool import ObservedPool
from safecompress_core.data.dataset import Dataset
from safecompress_core.data.pools import Pool
from safecompress_core.host.boundary import CHECK
from safecompress_core.metric import PairedMetric, SampleMetric, SampleValues, Subject
from safecompress_core.networks.classifier import Classifier
from safecompress_core.seeding import Seed
from safecompress_core.stats.intervals import Estimate


class Given(SampleMetric):
    def __init__(self, *values: float) -> None:
        self._values = torch.tensor(values)

    def per_sample(self, unseen: Observations) -> Tensor:
        return self._values


@pytest.fixture
def subject() -> Subject:
    """Any model will do."""
    network = Classifier(nn.Linear(2, 2))
    inputs, labels = torch.zeros(5, 2), torch.zeros(5, dtype=torch.int64)
    seen = observe(network, inputs, labels)
    dataset = Dataset(inputs=inputs, labels=labels, classes=("a", "b"), attributes={})
    rows = torch.arange(5)
    asked = ObservedPool(dataset=dataset, pool=Pool("audit", rows[:2], rows[2:]), seen=seen)
    return Subject(
        asked=asked,
        file_bytes=1,
        network=network,
        sample=inputs[:1],
        seed=Seed(0),
        create=lambda params: params,
    )


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


class Spread(PairedMetric):
    """The largest of the values, less the smallest."""

    def __init__(self, *values: float) -> None:
        self._values = torch.tensor(values)

    def values(self, subject: Subject) -> SampleValues:
        return SampleValues.of(self._values)

    def statistic(self, numbers: Any, weights: Any) -> Any:
        """Of those that a draw holds."""
        values = numbers[:, 0]
        held = weights > 0
        largest = np.where(held, values, -np.inf).max(axis=1)
        return largest - np.where(held, values, np.inf).min(axis=1)


def difference(before: PairedMetric, after: PairedMetric, subject: Subject) -> Estimate:
    """The change of a figure, paired."""
    values = [metric.values(subject) for metric in (before, after)]
    return after.difference(*values, values[0].resample(subject.seed))


def test_hits_of_two_models_are_compared_sample_by_sample(subject: Subject) -> None:
    """One pair of either discordant kind is added: Student's interval of -1, 0, 0, 1 and -1."""
    expected = stats.ttest_1samp([-1, 0, 0, 1, -1], 0).confidence_interval()

    found = difference(Given(1, 1, 0), Given(1, 0, 0), subject)

    assert found.value == pytest.approx(-1 / 3)
    assert found.interval == pytest.approx((max(-1, expected.low), expected.high))


def test_shares_of_two_models_have_student_s_paired_interval(subject: Subject) -> None:
    """As scipy's test of related samples has it."""
    before, after = [0.1, 0.5, 0.4], [0.3, 0.6, 0.8]
    expected = stats.ttest_rel(after, before).confidence_interval()

    found = difference(Given(*before), Given(*after), subject)

    assert found.interval == pytest.approx((expected.low, expected.high), abs=1e-6)


def test_a_statistic_is_compared_on_the_same_draws(subject: Subject) -> None:
    """A model whose values are the other's, moved, has the same spread in each draw."""
    found = difference(Spread(1, 2, 4), Spread(11, 12, 14), subject)

    assert found == Estimate.exact(0)


def test_the_interval_of_a_statistic_is_moved_to_its_estimate(subject: Subject) -> None:
    """A range is smaller in almost every draw, yet the estimate is not an end of its interval."""
    found = Spread(*torch.linspace(0, 1, 40).tolist()).measure(subject)

    assert found.value == 1
    assert found.low < 1 < found.high


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (3.0, "returned float; it must return SampleValues"),
        (SampleValues.of(torch.tensor([1.0, float("nan")])), "1 numbers that are not finite"),
        (
            SampleValues(numbers=np.ones((3, 1)), strata=np.zeros(2, dtype=np.int64)),
            r"numbers \(3, 1\) and strata \(2,\)",
        ),
    ],
)
def test_values_that_cannot_be_paired_are_the_metric_s_fault(values: Any, message: str) -> None:
    """As the boundary to plugins checks each answer."""
    check = getattr(PairedMetric.values, CHECK)

    with pytest.raises(ValueError, match=message):
        check(None, values)
