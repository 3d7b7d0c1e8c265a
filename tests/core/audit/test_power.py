"""Power of pools: against simulated audits, scipy and counts worked out by hand."""

from collections.abc import Callable
from math import sqrt

import numpy as np
import pytest
from scipy.special import ndtr, ndtri
from scipy.stats import binom, binomtest, norm

from safecompress_core.audit.power import (
    POWER,
    PoolPower,
    chance_of_margin,
    non_members_needed,
    share_needed,
)
from safecompress_core.games.measures.membership_details import advantage_of_decisions
from safecompress_core.stats.intervals import Estimate, auc_interval, mean_difference_of_independent

MEMBERS, NON_MEMBERS, AUDITS = 120, 200, 1000
POOL = PoolPower(members=MEMBERS, non_members=NON_MEMBERS)
DISTANCE: dict[str, Callable[[float], float]] = {
    "auc": lambda auc: sqrt(2) * float(ndtri(auc)),
    "advantage": lambda advantage: 2 * float(ndtri((1 + advantage) / 2)),
}
"""Distance of two normal distributions of variance 1 with that AUC, or that largest advantage."""


def audits(measure: str, value: float) -> list[Estimate]:
    """Return the estimates of independent audits of an attack with normal scores."""
    generator = np.random.default_rng(3)
    distance = DISTANCE[measure](value)
    is_member = np.arange(MEMBERS + NON_MEMBERS) < MEMBERS
    found = []
    for _ in range(AUDITS):
        scores = generator.normal(np.where(is_member, distance, 0.0))
        if measure == "auc":
            found.append(auc_interval(scores, is_member))
        else:
            found.append(advantage_of_decisions(scores > distance / 2, is_member))
    return found


def share(outcomes: list[bool]) -> float:
    """Return how often something happened."""
    return float(np.mean(outcomes))


def near(value: float) -> object:
    """Return a comparison within 0.06: more than four standard errors of 1,000 audits."""
    return pytest.approx(value, abs=0.06)


def test_the_interval_without_a_signal_is_that_of_the_mann_whitney_statistic() -> None:
    """Whose variance is (m + n + 1) / 12mn (Mann & Whitney 1947); an audit's is a little wider."""
    exact = norm.ppf(0.975) * sqrt((MEMBERS + NON_MEMBERS + 1) / (12 * MEMBERS * NON_MEMBERS))

    assert exact <= POOL.leak("auc").half_width <= 1.05 * exact


def test_measures_of_the_typical_pool_are_those_of_the_binormal_curve() -> None:
    """AUC Φ(d/√2), advantage 2Φ(d/2) − 1, and the rate at a limit Φ(d + Φ⁻¹(limit))."""
    pool = PoolPower(members=4000, non_members=4000)
    rate = pool.rate(0.1, 1.0)

    assert pool.measure("auc", 1.0).value == pytest.approx(ndtr(1 / sqrt(2)), abs=1e-3)
    assert pool.measure("advantage", 1.0).value == pytest.approx(2 * ndtr(0.5) - 1, abs=1e-3)
    assert pool.measure("accuracy", 1.0).value == pytest.approx(ndtr(0.5), abs=1e-3)
    assert rate is not None
    assert rate.value == pytest.approx(ndtr(1 + ndtri(0.1)), abs=2e-3)
    assert rate.low < rate.value < rate.high


@pytest.mark.parametrize("measure", ["auc", "advantage"])
def test_simulated_audits_succeed_as_often_as_planned(measure: str) -> None:
    """The smallest gate, the smallest leak and the smallest margin: in 80 % of 1,000 audits."""
    chance = {"auc": 0.5, "advantage": 0.0}[measure]
    leak = POOL.leak(measure)
    nothing = audits(measure, chance)
    assert leak.smallest_leak is not None

    shown = audits(measure, leak.smallest_leak)
    differences = [
        mean_difference_of_independent(now, then)
        for now, then in zip(nothing[::2], nothing[1::2], strict=True)
    ]

    assert share([one.high <= leak.smallest_gate for one in nothing]) == near(POWER)
    assert share([one.low > chance for one in shown]) == near(POWER)
    assert share([one.high <= leak.smallest_margin for one in differences]) == near(POWER)


@pytest.mark.parametrize(("measure", "bound"), [("auc", 0.65), ("advantage", 0.3)])
def test_a_gate_is_met_by_estimates_and_true_values_as_planned(measure: str, bound: float) -> None:
    """The estimate by its own interval, the true value in 80 % of 1,000 audits."""
    estimate, value = POOL.estimate_needed(measure, bound), POOL.value_needed(measure, bound)
    assert estimate is not None
    assert value is not None

    met = [one.high <= bound for one in audits(measure, value)]
    distance = DISTANCE[measure](estimate)

    assert POOL.measure(measure, distance).high == pytest.approx(bound, abs=0.01)
    assert share(met) == near(POWER)
    assert value < estimate < bound


def test_a_gate_within_the_noise_cannot_be_met() -> None:
    """Even by a model that leaks nothing, but for luck."""
    assert POOL.estimate_needed("advantage", 0.05) is None
    assert POOL.value_needed("advantage", 0.05) is None
    found = share([one.high <= 0.05 for one in audits("advantage", 0.0)])
    assert POOL.chance_at_most("advantage", 0.05) == near(found)


def test_the_worst_of_several_attacks_takes_a_wider_gate() -> None:
    """All of them have to keep it: of independent ones the product of the chances."""
    pair = PoolPower(members=MEMBERS, non_members=NON_MEMBERS, attacks=2)
    alone = POOL.chance_at_most("auc", 0.58)

    assert pair.chance_at_most("auc", 0.58) == pytest.approx(alone**2)
    assert pair.leak("auc").smallest_gate > POOL.leak("auc").smallest_gate
    assert pair.chance_at_most("auc", pair.leak("auc").smallest_gate) == pytest.approx(POWER)


def test_an_equal_model_keeps_the_smallest_margin_in_four_of_five_audits() -> None:
    """And one as wide as the interval of the difference in half of them."""
    leak = POOL.leak("advantage")

    assert chance_of_margin(leak.half_width, leak.smallest_margin) == pytest.approx(POWER)
    assert chance_of_margin(leak.half_width, sqrt(2) * leak.half_width) == pytest.approx(0.5)


@pytest.mark.parametrize(("max_fpr", "needed"), [(0.1, 100), (0.01, 1000), (0.001, 10_000)])
def test_a_limit_on_false_positives_takes_ten_of_them(max_fpr: float, needed: int) -> None:
    """One non-member fewer does not resolve it."""
    assert non_members_needed(max_fpr) == needed
    assert PoolPower(members=50, non_members=needed).rate(max_fpr, 0.5) is not None
    assert PoolPower(members=50, non_members=needed - 1).rate(max_fpr, 0.5) is None


@pytest.mark.parametrize(("bound", "is_floor"), [(0.3, True), (0.9, True), (0.4, False)])
def test_a_share_keeps_a_gate_by_its_exact_interval(bound: float, *, is_floor: bool) -> None:
    """Both by scipy: the edge by its interval, the true share by the binomial distribution."""
    trials = 150
    found = share_needed(bound, trials, is_floor=is_floor)
    assert found is not None
    estimate, value = found

    def keeps(count: int) -> bool:
        interval = binomtest(count, trials).proportion_ci(method="exact")
        return bool(interval.low >= bound if is_floor else interval.high <= bound)

    edge = round(estimate * trials)
    assert keeps(edge)
    assert not keeps(edge - 1 if is_floor else edge + 1)
    met = binom.sf(edge - 1, trials, value) if is_floor else binom.cdf(edge, trials, value)
    assert met == pytest.approx(POWER)


def test_a_share_that_no_sample_size_of_the_pool_reaches_is_none() -> None:
    """Five right answers of five prove no accuracy of 0.9."""
    assert share_needed(0.9, 5, is_floor=True) is None
    assert share_needed(0.1, 5, is_floor=False) is None
