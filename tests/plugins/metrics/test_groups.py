"""Accuracy by group, against fairlearn."""

from typing import Any

import pytest
from sklearn.metrics import accuracy_score

from safecompress_core.metric import MetricTrial
from safecompress_core.toolkit import Subject
from safecompress_plugins.metrics.groups import WorstGroup
from safecompress_plugins.metrics.manifest import WorstGroupParams
from tests.plugins.metrics.conftest import iris_subject


def trial_of(subject: Subject) -> MetricTrial:
    """What a check is given of the same samples."""
    return MetricTrial(
        dataset=subject.asked.dataset,
        pool=subject.asked.pool,
        network=subject.network,
        create=subject.create,
    )


@pytest.mark.parametrize("attribute", [None, "wide"])
def test_the_worst_group_is_fairlearn_s(attribute: str | None) -> None:
    """By the label and by an attribute, and so is every other group's accuracy."""
    fairlearn = pytest.importorskip("fairlearn.metrics")
    subject = iris_subject()
    unseen = subject.unseen
    groups = unseen.labels
    if attribute:
        groups = subject.asked.dataset.attributes[attribute].values[2:]
    theirs = fairlearn.MetricFrame(
        metrics=accuracy_score,
        y_true=unseen.labels.numpy(),
        y_pred=unseen.predictions.numpy(),
        sensitive_features=groups.numpy(),
    )
    metric = WorstGroup(WorstGroupParams(attribute=attribute))

    values = metric.values(subject)

    assert metric.measure(subject).value == pytest.approx(theirs.group_min())
    found = [group["value"] for group in values.details["groups"]]
    assert found == pytest.approx(theirs.by_group.tolist())


def test_a_group_of_nine_is_named_and_left_out() -> None:
    """Although it would be the worst."""
    subject = iris_subject(small_group_of=9)
    metric = WorstGroup(WorstGroupParams(attribute="wide"))

    details: Any = metric.values(subject).details

    assert details["left_out"] == [{"name": "rare", "samples": 9}]
    assert [group["name"] for group in details["groups"]] == ["no", "yes"]


def test_a_group_of_ten_counts() -> None:
    """As many as a figure of its own takes."""
    subject = iris_subject(small_group_of=10)

    details: Any = WorstGroup(WorstGroupParams(attribute="wide")).values(subject).details

    assert details["left_out"] == []
    assert [group["name"] for group in details["groups"]] == ["no", "yes", "rare"]


def test_a_group_without_any_right_answer_has_an_interval() -> None:
    """That of 0 of 50, which no resample of these could show."""
    subject = iris_subject(steps=0, bias=100)

    found = WorstGroup(WorstGroupParams()).measure(subject)

    assert (found.value, found.low) == (0, 0)
    # Clopper and Pearson's upper end of 0 in 50 is 1 - 0.025 ** (1 / 50).
    assert found.high == pytest.approx(1 - 0.025 ** (1 / 50))


def test_one_large_group_alone_is_refused_before_training() -> None:
    """At the attribute, with both counts."""
    subject = iris_subject(take=18)
    metric = WorstGroup(WorstGroupParams(attribute="wide"))

    [problem] = metric.check(trial_of(subject))

    assert problem.path == ("attribute",)
    assert problem.message.startswith("1 of 2 groups by 'wide' have 10 or more of the 18")
    assert list(metric.check(trial_of(iris_subject()))) == []
