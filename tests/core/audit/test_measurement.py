"""Metrics of several models, and their differences."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from safecompress_core.attacks.observations import Observations
from safecompress_core.attacks.observed_pool import observe_pool
from safecompress_core.audit.measurement import Measurement, find_exposed
from safecompress_core.data.dataset import Dataset
from safecompress_core.data.pools import SamplePools
from safecompress_core.metric import Metric, SampleMetric, SampleValues, Subject
from safecompress_core.networks.classifier import Classifier
from safecompress_core.seeding import Seed
from safecompress_core.stats.intervals import Estimate, mean_difference_of_independent
from tests.core.fixtures.records import membership_record
from tests.core.fixtures.scores import scored_records


class Accuracy(SampleMetric):
    """Counts how often it is asked for values."""

    asked = 0

    def per_sample(self, unseen: Observations) -> Tensor:
        self.asked += 1
        return (unseen.predictions == unseen.labels).float()

    def values(self, subject: Subject) -> SampleValues:
        return replace(super().values(subject), details={"n": len(subject.unseen)})


class Time(Metric):
    def measure(self, subject: Subject) -> Estimate:
        return Estimate(subject.file_bytes, subject.file_bytes - 1, subject.file_bytes + 2)


@pytest.fixture
def measurement() -> Measurement:
    """A mean over samples and a figure that is none."""
    metrics = {"accuracy": Accuracy(), "time": Time()}
    return Measurement(metrics=metrics, seed=Seed(2), create=lambda params: params)


def test_values_are_computed_once_for_the_figure_and_its_differences(
    measurement: Measurement, overfitted: Classifier, mislabelled: Dataset, pools: SamplePools
) -> None:
    """Attributions of a large model take minutes."""
    asked = observe_pool(overfitted, mislabelled, pools.audit)
    models = [
        measurement.measure(asked, network=overfitted, file_bytes=size, exposed=None)
        for size in (10, 20)
    ]

    differences = measurement.differences(*models)

    assert measurement.metrics["accuracy"].asked == 2  # type: ignore[attr-defined]
    assert models[0].details == {"accuracy": {"n": len(pools.audit.non_members)}}
    assert differences["accuracy"].value == 0
    expected = mean_difference_of_independent(Estimate(20, 19, 22), Estimate(10, 9, 12))
    assert differences["time"] == expected


def test_the_exposed_tenth_is_that_of_the_strongest_attack() -> None:
    """Of ten members one, unless others tie with it."""
    weak = scored_records("model", "weak", [0.9, *[0.1] * 9, 0.5, 0.5], members=10)
    strong = scored_records("model", "strong", [*[0.2] * 8, 0.8, 0.7, 0.9, 0.9], members=10)
    tied = scored_records("model", "tied", [*[0.2] * 8, 0.8, 0.8, 0.9, 0.9], members=10)
    audit = {
        "weak": membership_record(0.1, auc=0.5),
        "strong": membership_record(0.1, auc=0.6),
        "tied": membership_record(0.1, auc=0.7),
    }

    found = find_exposed(audit, [weak, strong])

    assert found is not None
    assert torch.nonzero(found).flatten().tolist() == [8]
    also = find_exposed(audit, [weak, strong, tied])
    assert also is not None
    assert torch.nonzero(also).flatten().tolist() == [8, 9]
    assert find_exposed({}, []) is None
