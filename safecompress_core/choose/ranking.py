"""Ranking of the lineages of a field, by pairs, to narrow it.

Two lineages are compared by what a paired test finds to differ; a leak without a significant
difference is made equal for the pair, so that noise in a measure of leaks does not choose. The
winners of pairs may form a circle, so the field is ordered by the number of comparisons won.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from safecompress_core.choose.aggregator import Aggregator, Objectives
from safecompress_core.choose.significance import (
    NO_DIFFERENCE,
    Replicates,
    better_in_all,
    check_confidence,
    check_replicates,
    simultaneous_intervals,
)

__all__ = ["Criterion", "Defeat", "Departure", "FieldRanking", "rank_field"]

# R replicates · K lineages · A attacks

Array = NDArray[np.float64]

DIGITS = 12  # as many as NO_DIFFERENCE has: differences beyond them are rounding

Criterion = Literal["utility", "performance", "cost", "index"]
"""The criterion that decides between two lineages; each only where those before it tie."""


class Defeat(NamedTuple):
    """The lineage that wins a comparison, and the criterion that decides it."""

    by: int
    criterion: Criterion


@dataclass(frozen=True, slots=True)
class Departure:
    """The reason for which a lineage leaves the field.

    Attributes:
        reason: ``dominated``: another is significantly better in every objective. ``outranked``:
            enough others rank higher.
        defeats: best opponent first. Of a dominated lineage, by all that dominate it; of an
            outranked one, by those kept that win against it: none where it wins against all of
            them and they have more wins over the others.
    """

    reason: Literal["dominated", "outranked"]
    defeats: tuple[Defeat, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRanking:
    """Order of the K lineages of a field, and those that stay in it.

    Attributes:
        order: all lineages, best first.
        kept: those that stay, best first; at least one.
        dominated: those that leave however many may stay, best first.
        departures: of each lineage, K of them; None for one that stays.
        wins: comparisons that each lineage wins, K of them, at most K − 1.
        utilities: of each lineage as measured, with no leak made equal, K of them.
    """

    order: tuple[int, ...]
    kept: tuple[int, ...]
    dominated: tuple[int, ...]
    departures: tuple[Departure | None, ...]
    wins: tuple[int, ...]
    utilities: tuple[float, ...]


class _Field(NamedTuple):
    """The arguments of a ranking that all its comparisons share."""

    objectives: Objectives
    replicates: Replicates
    aggregator: Aggregator
    costs: Array
    confidence: float

    def device_costs_differ(self, first: int, second: int) -> bool:
        """Return whether a device measure distinguishes two lineages; such figures are exact."""
        return any(
            abs(cost[first] - cost[second]) > NO_DIFFERENCE
            for cost in self.objectives.costs.values()
        )


class _Comparison(NamedTuple):
    """The winner of two lineages, its criterion, and the first's utility less the second's."""

    winner: int
    criterion: Criterion
    margin: float


Comparisons = Mapping[tuple[int, int], _Comparison]
"""Of each pair of lineages, the lower index first."""


def rank_field(
    objectives: Objectives,
    replicates: Replicates,
    aggregator: Aggregator,
    *,
    costs: Array,
    confidence: float,
    keep: int,
) -> FieldRanking:
    """Rank the lineages of a field and keep the best of those that are not dominated.

    Of two lineages an attack's leak counts only if their difference in advantage is significant:
    the interval of the paired difference excludes 0. Otherwise both get the pair's mean, of
    advantage and of attack accuracy alike. The larger utility then wins; the rest of the field
    stays as measured, since a utility may depend on company (a knee does). Where no attack
    distinguishes the two, the higher performance wins, significant or not. Exact ties go to the
    higher performance, the lower cost, the lower index, in this order. Attacks of weight 0 have no
    part. Device measures that are objectives are exact: any difference counts.

    The order is by comparisons won, then by the mean margin of utility over all opponents, then by
    performance, cost and index.

    A lineage is dominated if another is significantly better in performance and in the safety from
    every attack that has a weight, and costs no more (intersection-union: each objective at the
    full confidence, simultaneously for all its opponents). Without such an attack the task is every
    objective, so that significantly worse performance is enough. The lineage that performs best is
    never dominated. The place of a dominated lineage goes to the next in the order.

    Args:
        objectives: what the lineages were measured to be, K ≥ 1 of them.
        replicates: the same lineages in R ≥ 2 bootstrap replicates of the test.
        aggregator: makes utilities of objectives.
        costs: shape (K,), finite, in any unit.
        confidence: of each two-sided interval of a pair, in [0, 1). At 0 every difference of a pair
            counts.
        keep: how many may stay, at least 1.

    Raises:
        ValueError: if there is no lineage, the confidence is not in [0, 1), ``keep`` is below 1,
            there are fewer than 2 replicates, or shapes do not fit.

    Source: DeLong et al. 1988, "Comparing the areas under two or more correlated receiver operating
    characteristic curves" (the paired test, where replicates are of AUCs); Copeland 1951, "A
    reasonable social welfare function" (the order by wins); Berger 1982, "Multiparameter Hypothesis
    Testing and Acceptance Sampling" (domination).
    """
    _check(objectives, replicates, costs=costs, confidence=confidence, keep=keep)
    lineages = range(len(objectives))
    field = _Field(objectives, replicates, aggregator, costs, confidence)
    compared = {pair: _compare(field, *pair) for pair in combinations(lineages, 2)}
    winners = np.array([comparison.winner for comparison in compared.values()], dtype=np.int64)
    wins = np.bincount(winners, minlength=len(lineages))
    order = _order(objectives, costs, compared, wins)
    dominators = [
        better_in_all(objectives, replicates, incumbent=lineage, confidence=confidence)
        for lineage in lineages
    ]
    kept = tuple(lineage for lineage in order if not dominators[lineage].any())[:keep]

    def depart(lineage: int) -> Departure | None:
        if lineage in kept:
            return None
        if dominators[lineage].any():
            rivals = [other for other in order if dominators[lineage][other]]
            return Departure("dominated", _defeats(lineage, rivals, compared))
        rivals = [other for other in kept if _of_two(lineage, other, compared).winner == other]
        return Departure("outranked", _defeats(lineage, rivals, compared))

    return FieldRanking(
        order=order,
        kept=kept,
        dominated=tuple(lineage for lineage in order if dominators[lineage].any()),
        departures=tuple(depart(lineage) for lineage in lineages),
        wins=tuple(wins.tolist()),
        utilities=tuple(aggregator.utilities(objectives).tolist()),
    )


def _order(
    objectives: Objectives,
    costs: Array,
    compared: Comparisons,
    wins: NDArray[np.int64],
) -> tuple[int, ...]:
    """All lineages, best first."""
    margins = np.zeros(len(objectives))
    for (first, second), comparison in compared.items():
        margins[first] += comparison.margin
        margins[second] -= comparison.margin
    # The same number of opponents for all, so sums order as means do; rounded, since a sum depends
    # on the order of its terms, and ties must tie.
    keys = (
        np.arange(len(costs)),
        costs,
        -objectives.performance.round(DIGITS),
        -margins.round(DIGITS),
        -wins,
    )
    return tuple(np.lexsort(keys).tolist())  # the last key sorts first


def _compare(field: _Field, first: int, second: int) -> _Comparison:
    """The winner of two lineages, with leaks that do not differ significantly made equal."""
    differs = _leaks_differ(field, first, second)  # (A,)
    equalised = _equalise(field.objectives, [first, second], ~differs)
    utilities = field.aggregator.utilities(equalised)
    margin = float(utilities[first] - utilities[second])
    performance, costs = field.objectives.performance, field.costs
    gains: tuple[tuple[Criterion, float], ...] = (
        # Without a leak or a cost that differs the task decides, whatever a utility makes of it.
        (
            "utility",
            margin if differs.any() or field.device_costs_differ(first, second) else 0.0,
        ),
        ("performance", float(performance[first] - performance[second])),
        ("cost", float(costs[second] - costs[first])),
    )
    for criterion, gain in gains:
        if abs(gain) > NO_DIFFERENCE:
            return _Comparison(first if gain > 0 else second, criterion, margin)
    return _Comparison(first, "index", margin)


def _leaks_differ(field: _Field, first: int, second: int) -> NDArray[np.bool_]:
    """Return the attacks whose leak differs significantly between two lineages, shape (A,)."""
    leak, replicated_leak = field.objectives.advantage, field.replicates.advantage
    estimates = leak[first] - leak[second]  # (A,)
    replicated = replicated_leak[:, first] - replicated_leak[:, second]  # (R, A)
    differs: NDArray[np.bool_] = np.abs(estimates) > NO_DIFFERENCE
    differs &= field.objectives.weights > 0
    # Without confidence the estimate alone decides, even where the replicates' mean disagrees.
    for attack in np.flatnonzero(differs) if field.confidence else ():
        # One attack at a time: the confidence is of each interval, not of all attacks together.
        alone = slice(attack, attack + 1)
        (difference,) = simultaneous_intervals(
            estimates[alone], replicated[:, alone], field.confidence
        )
        differs[attack] = difference.low > 0 or difference.high < 0
    return differs


def _equalise(
    objectives: Objectives, lineages: list[int], attacks: NDArray[np.bool_]
) -> Objectives:
    """The objectives of a field where some lineages have their mean leak by some attacks (A,)."""
    cells = np.ix_(np.array(lineages), np.flatnonzero(attacks))
    advantage, attack_accuracy = objectives.advantage.copy(), objectives.attack_accuracy.copy()
    for values in (advantage, attack_accuracy):
        values[cells] = values[cells].mean(axis=0)
    return replace(objectives, advantage=advantage, attack_accuracy=attack_accuracy)


def _defeats(lineage: int, rivals: Sequence[int], compared: Comparisons) -> tuple[Defeat, ...]:
    """Return the defeats of a lineage by its rivals, in their order."""
    return tuple(Defeat(rival, _of_two(lineage, rival, compared).criterion) for rival in rivals)


def _of_two(lineage: int, other: int, compared: Comparisons) -> _Comparison:
    return compared[min(lineage, other), max(lineage, other)]


def _check(
    objectives: Objectives, replicates: Replicates, *, costs: Array, confidence: float, keep: int
) -> None:
    if not len(objectives):
        raise ValueError("a field needs at least one lineage to be ranked")
    check_replicates(objectives, replicates)
    check_confidence(confidence)
    if costs.shape != (len(objectives),) or not np.isfinite(costs).all():
        raise ValueError(f"costs must be {len(objectives)} finite numbers, one a lineage")
    if keep < 1:
        raise ValueError(f"a field keeps at least one lineage, not {keep}")
