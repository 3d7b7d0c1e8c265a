"""The conformance of aggregators: what is right passes, and each mistake is found by one check."""

from typing import Any

import numpy as np
import pytest

from safecompress_core.api import AggregatorDef, Params
from safecompress_core.choose.aggregator import Aggregator, Objectives
from safecompress_core.testing import AggregatorConformance


class Sound(Aggregator):
    """Performance less the mean weighted advantage, with win shares."""

    def __init__(self, params: Params) -> None:
        """Accept no parameters."""

    def utilities(self, objectives: Objectives) -> Any:
        leak: Any = objectives.advantage @ objectives.weights
        return objectives.performance - leak

    def win_shares(self, objectives: Objectives) -> Any:
        wins = self.utilities(objectives).round(9)
        wins = wins == wins.max()
        return wins / wins.sum()


class ByIndex(Sound):
    def utilities(self, objectives: Objectives) -> Any:
        return super().utilities(objectives) + 1e-3 * np.arange(len(objectives))

    def win_shares(self, objectives: Objectives) -> Any:
        return None


class PerformanceAlone(Sound):
    def utilities(self, objectives: Objectives) -> Any:
        return objectives.performance

    def win_shares(self, objectives: Objectives) -> Any:
        return None


class Unweighted(Sound):
    def utilities(self, objectives: Objectives) -> Any:
        return objectives.performance - objectives.advantage.sum(axis=1)


class Drawn(Sound):
    generator = np.random.default_rng(0)

    def utilities(self, objectives: Objectives) -> Any:
        return super().utilities(objectives) * self.generator.uniform(1, 2)


class Endless(Sound):
    def utilities(self, objectives: Objectives) -> Any:
        with np.errstate(divide="ignore"):
            return -1 / (objectives.performance - objectives.performance.max())

    def win_shares(self, objectives: Objectives) -> Any:
        return None


class Percent(Sound):
    def win_shares(self, objectives: Objectives) -> Any:
        return 100 * super().win_shares(objectives)


def checks_that_fail(implementation: type[Aggregator]) -> set[str]:
    """Return the names of the checks that an aggregator does not pass."""

    class Conformance(AggregatorConformance):
        definition = AggregatorDef(
            name="trial",
            params=Params,
            target=f"{__name__}:{implementation.__name__}",
            summary="A trial.",
        )

    failing = set()
    for name in vars(AggregatorConformance):
        if name.startswith("test_"):
            try:
                getattr(Conformance(), name)()
            except AssertionError:
                failing.add(name)
    return failing


def test_a_sound_aggregator_passes_every_check() -> None:
    """With win shares."""
    assert checks_that_fail(Sound) == set()


@pytest.mark.parametrize(
    ("implementation", "check"),
    [
        (ByIndex, "test_the_order_of_candidates_does_not_matter"),
        (PerformanceAlone, "test_a_dominated_candidate_ranks_below"),
        (Unweighted, "test_an_attack_of_weight_0_does_not_decide"),
        (Drawn, "test_the_same_objectives_give_the_same_numbers"),
        (Endless, "test_it_gives_each_candidate_a_finite_number"),
        (Percent, "test_its_win_shares_sum_to_1"),
    ],
)
def test_a_mistake_is_found_by_the_check_of_its_name(
    implementation: type[Aggregator], check: str
) -> None:
    """The name says what to correct."""
    assert check in checks_that_fail(implementation)
