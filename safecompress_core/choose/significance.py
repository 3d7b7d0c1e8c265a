"""Significance of a candidate's lead over the run's best so far.

Candidates are tested on the same samples, so their differences are far less noisy than each of
them: every bootstrap replicate re-draws samples once and reads all candidates on them, and the
utilities of a replicate are those of all its candidates together (a knee depends on company).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from safecompress_core.choose.aggregator import Aggregator, Objectives

__all__ = [
    "Decision",
    "Difference",
    "NoiseByObjective",
    "ObjectiveNoise",
    "Replicates",
    "better_in_all",
    "check_confidence",
    "check_replicates",
    "decide",
    "is_above_zero",
    "objective_noise",
    "simultaneous_intervals",
]

Array = NDArray[np.float64]

NO_DIFFERENCE = 1e-12  # less than this is rounding

# R replicates · K candidates · A attacks


@dataclass(frozen=True, slots=True, kw_only=True)
class Replicates:
    """The objectives of all candidates in bootstrap replicates of the test.

    Attributes:
        performance: shape (R, K).
        advantage: shape (R, K, A).
        attack_accuracy: shape (R, K, A).
    """

    performance: Array
    advantage: Array
    attack_accuracy: Array

    def __len__(self) -> int:
        return len(self.performance)

    def objectives(self, measured: Objectives) -> Iterator[Objectives]:
        """Each replicate as if it had been the test; attacks are those of ``measured``."""
        for performance, advantage, attack_accuracy in zip(
            self.performance, self.advantage, self.attack_accuracy, strict=True
        ):
            yield replace(
                measured,
                performance=performance,
                advantage=advantage,
                attack_accuracy=attack_accuracy,
            )


class Difference(NamedTuple):
    """A candidate's utility minus the incumbent's, and its simultaneous interval."""

    estimate: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Model to carry on with, and the reason.

    Attributes:
        chosen: index of the candidate.
        utilities: of each candidate, K of them.
        differences: of each candidate to the incumbent, whose own is 0 with no width.
        significant: whether the whole interval of the difference lies above 0, or that of the
            difference in performance, and in the safety from each attack.
    """

    chosen: int
    utilities: tuple[float, ...]
    differences: tuple[Difference, ...]
    significant: tuple[bool, ...]


def decide(
    objectives: Objectives,
    replicates: Replicates,
    aggregator: Aggregator,
    *,
    incumbent: int,
    confidence: float,
) -> Decision:
    """The best candidate of those that are significantly better than the incumbent, if any is.

    Otherwise the incumbent stays. A candidate is better if its utility is, or if it is better in
    every objective by itself: a utility that depends on company (a knee) may be too noisy to say
    what no single objective leaves in doubt. For that, each objective's intervals hold with the
    same ``confidence``; since all of them have to lie above 0, the whole claim holds with it too.

    The K − 1 intervals hold together: with probability ``confidence`` all of them cover. Their
    half-width is the same multiple of each difference's standard error, and that multiple is the
    ``confidence`` quantile, over replicates, of the largest |deviation| / standard error among the
    candidates. Since the maximum is taken within each replicate, any dependence between candidates
    is in it, and alike candidates cost little. Deviations are from the mean over replicates, and
    the interval reaches from the lower of the estimate and that mean to the higher: where the two
    differ, because utilities jump (a candidate is dominated in some replicates) or because
    ``objectives`` are careful ends of intervals, a candidate has to be better by both.

    Args:
        objectives: what the candidates were found to be, K of them.
        replicates: the same candidates in R ≥ 2 bootstrap replicates of the test.
        aggregator: makes utilities of objectives.
        incumbent: index of the candidate that stays unless another is better.
        confidence: of all intervals together, in [0, 1). At 0 intervals have no width, and a
            candidate that is likelier better than not takes the incumbent's place.

    Raises:
        ValueError: if the incumbent is no candidate, the confidence is not in [0, 1), there are
            fewer than 2 replicates, or their shape does not fit.

    Source: Romano & Wolf 2005, "Exact and Approximate Stepdown Methods for Multiple Hypothesis
    Testing" (the max-statistic, single step); Berger 1982, "Multiparameter Hypothesis Testing and
    Acceptance Sampling" (intersection-union, for every objective at once); Efron & Tibshirani 1993,
    "An Introduction to the Bootstrap".
    """
    _check(objectives, replicates, incumbent=incumbent)
    check_confidence(confidence)
    utilities = aggregator.utilities(objectives)  # (K,)
    replicated = np.stack(
        [
            aggregator.utilities(objectives_of_replicate)
            for objectives_of_replicate in replicates.objectives(objectives)
        ]
    )  # (R, K)
    estimates = utilities - utilities[incumbent]
    differences = simultaneous_intervals(
        estimates, replicated - replicated[:, [incumbent]], confidence
    )
    significant = is_above_zero(differences) | better_in_all(
        objectives, replicates, incumbent=incumbent, confidence=confidence
    )
    chosen = incumbent
    if significant.any():
        # −∞ excludes candidates that are not significant; ``argmax`` takes the first of equals.
        chosen = int(np.argmax(np.where(significant, utilities, -np.inf)))
    return Decision(
        chosen=chosen,
        utilities=tuple(utilities.tolist()),
        differences=differences,
        significant=tuple(significant.tolist()),
    )


def is_above_zero(differences: Sequence[Difference]) -> NDArray[np.bool_]:
    """Return the differences whose whole interval lies above 0, shape (K,)."""
    # Rounding can separate equal utilities, so the estimate needs a margin too.
    return np.array([d.estimate > NO_DIFFERENCE and d.low > 0 for d in differences])


def better_in_all(
    objectives: Objectives, replicates: Replicates, *, incumbent: int, confidence: float
) -> NDArray[np.bool_]:
    """Return the candidates significantly better in task and every attack, no costlier: (K,).

    Attacks of weight 0 have no part in it. The intervals of one objective hold together for all
    candidates; without an attack that has a weight, the task is the only objective.

    Source: Berger 1982, "Multiparameter Hypothesis Testing and Acceptance Sampling".
    """
    weighed = objectives.weights > 0
    safety = -objectives.advantage[:, weighed]
    replicated_safety = -replicates.advantage[:, :, weighed]
    gains: list[tuple[Array, Array]] = [
        (objectives.performance, replicates.performance),
        *((safety[:, a], replicated_safety[:, :, a]) for a in range(safety.shape[1])),
    ]
    # Intersection-union: each objective at full confidence, since all have to hold.
    surely = [
        is_above_zero(
            simultaneous_intervals(
                values - values[incumbent], replicated - replicated[:, [incumbent]], confidence
            )
        )
        for values, replicated in gains
    ]
    # Costs are exact, and often equal, so that they need not be less.
    no_costlier = [cost <= cost[incumbent] + NO_DIFFERENCE for cost in objectives.costs.values()]
    in_all: NDArray[np.bool_] = np.logical_and.reduce([*surely, *no_costlier])
    return in_all


def simultaneous_intervals(
    estimates: Array, replicated: Array, confidence: float
) -> tuple[Difference, ...]:
    """Simultaneous intervals of differences (K,), from the same in each replicate (R, K)."""
    means = replicated.mean(axis=0)
    widths = _half_widths(replicated - means, confidence)
    lows = np.minimum(estimates, means) - widths
    highs = np.maximum(estimates, means) + widths
    return tuple(map(Difference, estimates.tolist(), lows.tolist(), highs.tolist()))


def _half_widths(deviations: Array, confidence: float) -> Array:
    """Simultaneous half-widths (K,) from deviations (R, K) of replicated differences."""
    # ddof=1: the replicates' mean is estimated from the same replicates.
    errors = deviations.std(axis=0, ddof=1)  # (K,)
    # A constant difference (the incumbent's own) has no standard error to divide by.
    varies = errors > NO_DIFFERENCE
    if not varies.any():
        return np.zeros(len(errors))
    largest = np.abs(deviations[:, varies] / errors[varies]).max(axis=1)  # (R,)
    # "higher" is conservative: the quantile is one of the observed maxima.
    multiple = np.quantile(largest, confidence, method="higher") if confidence else 0.0
    return np.where(varies, multiple * errors, 0.0)


@dataclass(frozen=True, slots=True)
class ObjectiveNoise:
    """Spread of the candidates in one objective, and the test's resolution.

    Attributes:
        spread: standard deviation of the objective over the candidates.
        noise: standard error of a candidate's difference to the incumbent, root mean square over
            the candidates.
    """

    spread: float
    noise: float

    @property
    def tells_apart(self) -> bool:
        """Return whether candidates differ by more than the test's noise."""
        return self.spread > self.noise


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseByObjective:
    """:class:`ObjectiveNoise` of every objective; advantages in the order of the attacks."""

    performance: ObjectiveNoise
    advantage: tuple[ObjectiveNoise, ...]
    costs: Mapping[str, ObjectiveNoise]


def objective_noise(
    objectives: Objectives, replicates: Replicates, *, incumbent: int
) -> NoiseByObjective:
    """The candidates' spread compared with the noise of the test, for each objective.

    Raises:
        ValueError: as :func:`decide`.
    """
    _check(objectives, replicates, incumbent=incumbent)
    attacks = range(objectives.advantage.shape[1])
    return NoiseByObjective(
        performance=_noise(objectives.performance, replicates.performance, incumbent),
        advantage=tuple(
            _noise(objectives.advantage[:, a], replicates.advantage[:, :, a], incumbent)
            for a in attacks
        ),
        costs={
            name: _noise(cost, np.tile(cost, (len(replicates), 1)), incumbent)
            for name, cost in objectives.costs.items()
        },
    )


def _noise(values: Array, replicated: Array, incumbent: int) -> ObjectiveNoise:
    """Of one objective: values (K,), replicated (R, K)."""
    differences = np.delete(replicated - replicated[:, [incumbent]], incumbent, axis=1)
    if not differences.size:
        return ObjectiveNoise(spread=0.0, noise=0.0)
    varies = values.min() < values.max()  # rounding alone lends equal values a deviation
    return ObjectiveNoise(
        spread=float(values.std(ddof=1)) if varies else 0.0,
        noise=float(np.sqrt(differences.var(axis=0, ddof=1).mean())),
    )


def _check(objectives: Objectives, replicates: Replicates, *, incumbent: int) -> None:
    if not 0 <= incumbent < len(objectives):
        raise ValueError(f"the incumbent {incumbent} is none of {len(objectives)} candidates")
    check_replicates(objectives, replicates)


def check_confidence(confidence: float) -> None:
    """Refuse a confidence outside [0, 1).

    Raises:
        ValueError: if it is.
    """
    if not 0 <= confidence < 1:
        raise ValueError(f"a confidence lies between 0 and 1, not at {confidence}")


def check_replicates(objectives: Objectives, replicates: Replicates) -> None:
    """Refuse replicates of which no interval can be made.

    Raises:
        ValueError: if there are fewer than 2, or their shape does not fit the objectives.
    """
    if len(replicates) < 2:
        raise ValueError("a difference needs at least 2 replicates to have an interval")
    first_replicate = (
        replicates.performance[0],
        replicates.advantage[0],
        replicates.attack_accuracy[0],
    )
    known = (objectives.performance, objectives.advantage, objectives.attack_accuracy)
    if any(
        shape_holder.shape != wanted.shape
        for shape_holder, wanted in zip(first_replicate, known, strict=True)
    ):
        raise ValueError("replicates are of other candidates or attacks than the objectives")
