"""Differences between groups, against fairlearn."""

from typing import Any

import numpy as np
import pytest

from safecompress_plugins.metrics.fairness import DemographicParity, EqualisedOdds
from safecompress_plugins.metrics.manifest import DemographicParityParams, EqualisedOddsParams
from tests.plugins.metrics.conftest import iris_subject
from tests.plugins.metrics.test_groups import trial_of

fairlearn = pytest.importorskip("fairlearn.metrics")


def expected(difference: Any, subject: Any, label: int) -> float:
    """Fairlearn's figure of one label against the rest."""
    unseen = subject.unseen
    found: float = difference(
        (unseen.labels == label).numpy(),
        (unseen.predictions == label).numpy(),
        sensitive_features=subject.asked.dataset.attributes["wide"].values[2:].numpy(),
    )
    return found


@pytest.mark.parametrize("label", ["0", "1", "2"])
def test_demographic_parity_is_fairlearn_s(label: str) -> None:
    """Of each label that may be the positive one."""
    subject = iris_subject()
    params = DemographicParityParams(attribute="wide", positive=label)
    theirs = expected(fairlearn.demographic_parity_difference, subject, int(label))

    found = DemographicParity(params).measure(subject)

    assert found.value == pytest.approx(theirs)
    assert found.low < found.value < found.high


@pytest.mark.parametrize("label", ["1", "2"])
def test_equalised_odds_are_fairlearn_s(label: str) -> None:
    """The larger of the differences in true and in false positive rates."""
    subject = iris_subject()
    params = EqualisedOddsParams(attribute="wide", positive=label)
    theirs = expected(fairlearn.equalized_odds_difference, subject, int(label))

    assert EqualisedOdds(params).measure(subject).value == pytest.approx(theirs)


def test_of_several_labels_the_largest_difference_counts() -> None:
    """Unless one of them is named as the positive one."""
    subject = iris_subject()
    each = [
        DemographicParity(DemographicParityParams(attribute="wide", positive=label))
        for label in "012"
    ]

    found = DemographicParity(DemographicParityParams(attribute="wide")).measure(subject)

    assert found.value == max(metric.measure(subject).value for metric in each)


def test_rates_of_fewer_than_ten_samples_are_named_and_left_out() -> None:
    """A group that is large may still have few samples of a label."""
    subject = iris_subject(small_group_of=12)
    metric = EqualisedOdds(EqualisedOddsParams(attribute="wide", positive="0"))

    values = metric.values(subject)

    assert {"name": "rare", "samples": 0, "label": "0"} in values.details["left_out"]
    assert np.isfinite(metric.measure(subject).value)


def test_a_label_that_the_task_has_not_is_refused() -> None:
    """At its field, with those that there are."""
    subject = iris_subject()
    params = DemographicParityParams(attribute="wide", positive="rose")

    [problem] = DemographicParity(params).check(trial_of(subject))

    assert problem.path == ("positive",)
    assert problem.hint == "use one of: 0, 1, 2"
