"""The conformance of metrics: what is right passes, and each mistake is found by one check."""

from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np
import pytest
import torch

from safecompress_core.api import MetricDef, Params
from safecompress_core.metric import MeanMetric, SampleValues, Subject
from safecompress_core.stats.intervals import Estimate
from safecompress_core.testing import MetricConformance

CALLS = count()


class Sound(MeanMetric):
    """Mean confidence in the right label."""

    def __init__(self, params: Params) -> None:
        """Accept no parameters."""

    def values(self, subject: Subject) -> SampleValues:
        return SampleValues.of(subject.unseen.losses.neg().exp(), details={"n": 3})


class Endless(Sound):
    def estimate(self, values: SampleValues, resampling: Any) -> Estimate:
        return Estimate(0.5, 0.4, float("inf"))


class Drawn(Sound):
    def values(self, subject: Subject) -> SampleValues:
        values = super().values(subject)
        return replace(values, numbers=values.numbers * 0 + 1 / (1 + next(CALLS)))


class Trains(Sound):
    @torch.no_grad()
    def values(self, subject: Subject) -> SampleValues:
        subject.network.head.weight.mul_(0.5)
        return super().values(subject)


class Choosy(Sound):
    """Only samples that are answered correctly, which are others of every model."""

    def values(self, subject: Subject) -> SampleValues:
        values, unseen = super().values(subject), subject.unseen
        numbers = values.numbers[(unseen.predictions == unseen.labels).numpy()]
        return replace(values, numbers=numbers, strata=np.zeros(len(numbers), dtype=np.int64))


class Sums(Sound):
    def statistic(self, numbers: Any, weights: Any) -> Any:
        return weights @ numbers[:, 0] / len(numbers)


class Boundless(Sound):
    def values(self, subject: Subject) -> SampleValues:
        return replace(super().values(subject), details={"worst": float("nan")})


def checks_that_fail(implementation: type[Sound]) -> set[str]:
    """Return the names of the checks that a metric does not pass."""

    class Conformance(MetricConformance):
        definition = MetricDef(
            name="trial",
            params=Params,
            target=f"{__name__}:{implementation.__name__}",
            summary="A trial.",
            lowest=0,
            highest=1,
        )

    failing = set()
    for name in vars(MetricConformance):
        if name.startswith("test_"):
            try:
                getattr(Conformance(), name)()
            # Details that are no JSON raise an error of their own.
            except (AssertionError, ValueError):
                failing.add(name)
    return failing


def test_a_sound_metric_passes_every_check() -> None:
    """A statistic of samples in [0, 1]."""
    assert checks_that_fail(Sound) == set()


@pytest.mark.parametrize(
    ("implementation", "check"),
    [
        (Endless, "test_its_figure_lies_in_its_interval_and_in_its_range"),
        (Drawn, "test_the_same_model_has_the_same_figure"),
        (Trains, "test_it_leaves_the_model_alone"),
        (Choosy, "test_the_units_of_all_models_are_the_same"),
        (Sums, "test_what_counts_is_the_share_of_a_unit_in_a_draw"),
        (Boundless, "test_its_details_are_json"),
    ],
)
def test_a_mistake_is_found_by_the_check_of_its_name(
    implementation: type[Sound], check: str
) -> None:
    """The name says what to correct."""
    assert check in checks_that_fail(implementation)
