"""What holds for every aggregator."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from safecompress_core.choose.aggregator import Aggregator, Objectives
from safecompress_core.choose.manifest import (
    DEFINITIONS,
    ParetoParams,
    Reference,
    SeverityParams,
    TmScoreParams,
    WeightedParams,
    WorstCaseParams,
)
from safecompress_core.choose.pareto import Pareto
from safecompress_core.choose.severity import Severity
from safecompress_core.choose.tm_score import TmScore
from safecompress_core.choose.weighted import Weighted
from safecompress_core.choose.worst_case import WorstCase
from safecompress_core.errors import ComponentError
from safecompress_core.host import Origin
from safecompress_core.host.boundary import Owner, wrap_component
from safecompress_core.testing import AggregatorConformance

NAMES = ("first", "second", "third")
RISKS = {"membership": {"severity": {"low": 1, "high": 4}, "commonality": {"low": 0, "high": 1}}}
WISHED = Reference(performance=0.8, advantage=0.1)
AGGREGATORS: dict[str, Aggregator] = {
    "weighted": Weighted(WeightedParams()),
    "tm-score": TmScore(TmScoreParams()),
    "worst-case": WorstCase(WorstCaseParams(floor=0.5)),
    "severity": Severity(SeverityParams.model_validate({"attacks": RISKS, "draws": 50})),
    "knee": Pareto(ParetoParams()),
    "hypervolume": Pareto(ParetoParams(pick="hypervolume")),
    "reference-point": Pareto(ParetoParams(pick="reference-point", reference=WISHED)),
    "pareto-tm-score": Pareto(ParetoParams(pick="tm-score")),
}
every_aggregator = pytest.mark.parametrize("aggregator", AGGREGATORS.values(), ids=AGGREGATORS)


@st.composite
def objectives(draw: st.DrawFn) -> Objectives:
    """Up to 8 candidates and 3 attacks, on a grid so that ties and equals are common."""
    count, attacks = draw(st.integers(1, 8)), draw(st.integers(0, 3))
    twentieths = st.integers(0, 20).map(lambda number: number / 20)

    def table(rows: int, columns: int) -> np.ndarray:
        numbers = draw(st.lists(twentieths, min_size=rows * columns, max_size=rows * columns))
        return np.array(numbers, dtype=float).reshape(rows, columns)

    advantage = table(count, attacks)
    return Objectives(
        performance=0.05 + 0.9 * table(count, 1)[:, 0],
        advantage=advantage,
        attack_accuracy=(1 + advantage) / 2,
        weights=np.array([draw(st.sampled_from((0.5, 1.0, 3.0))) for _ in range(attacks)]),
        attackers=NAMES[:attacks],
        games=("membership",) * attacks,
    )


@every_aggregator
@given(candidates=objectives())
def test_a_dominated_candidate_never_wins(aggregator: Aggregator, candidates: Objectives) -> None:
    """With positive weights, whoever is beaten in everything is beaten in utility too."""
    utilities = aggregator.utilities(candidates)

    assert utilities.shape == (len(candidates),)
    assert np.isfinite(utilities).all()
    points = np.column_stack((-candidates.performance, candidates.advantage))
    for loser, point in enumerate(points):
        better = (points <= point).all(axis=1) & (points < point).any(axis=1)
        assert (utilities[better] > utilities[loser]).all()


@every_aggregator
@given(candidates=objectives(), data=st.data())
def test_the_order_of_candidates_does_not_matter(
    aggregator: Aggregator, candidates: Objectives, data: st.DataObject
) -> None:
    """Shuffled candidates have their utilities shuffled alike."""
    order = np.array(data.draw(st.permutations(range(len(candidates)))))
    shuffled = replace(
        candidates,
        performance=candidates.performance[order],
        advantage=candidates.advantage[order],
        attack_accuracy=candidates.attack_accuracy[order],
    )

    np.testing.assert_allclose(
        aggregator.utilities(shuffled), aggregator.utilities(candidates)[order], atol=1e-9
    )


def test_a_rule_without_draws_has_no_win_shares(candidates: Callable[..., Objectives]) -> None:
    """Its weights are certain, so there is nothing to report."""
    assert Weighted(WeightedParams()).win_shares(candidates([0.6, 0.5], [[0.3], [0.1]])) is None


@pytest.mark.parametrize(
    ("shares", "reason"),
    [
        ([0.5, 0.5], "returned list"),
        (np.ones(3) / 3, "returned shape (3,)"),
        (np.array([0.5, 0.6]), "shares from 0.5 that sum to 1.1"),
        (np.array([-0.5, 1.5]), "shares from -0.5 that sum to 1"),
    ],
)
def test_win_shares_that_are_no_shares_name_the_plugin(
    candidates: Callable[..., Objectives], shares: Any, reason: str
) -> None:
    """They would be shown as they are."""

    class Odd(Weighted):
        def win_shares(self, objectives: Objectives) -> Any:
            return shares

    origin = Origin(plugin="parts", distribution="acme", version="1.0")
    owner = Owner(DEFINITIONS[0], WeightedParams(), origin)
    aggregator = wrap_component(Odd(WeightedParams()), owner)

    with pytest.raises(ComponentError, match="acme") as refused:
        aggregator.win_shares(candidates([0.6, 0.5], [[0.3], [0.1]]))
    assert reason in str(refused.value)


class TestWeighted(AggregatorConformance):
    definition = DEFINITIONS[0]


class TestTmScore(AggregatorConformance):
    definition = DEFINITIONS[1]


class TestWorstCase(AggregatorConformance):
    definition = DEFINITIONS[2]
    params = {"floor": 0.3}


class TestPareto(AggregatorConformance):
    definition = DEFINITIONS[3]


class TestSeverity(AggregatorConformance):
    definition = DEFINITIONS[4]
    params = {"attacks": RISKS | {"second": {"severity": 2}}}
