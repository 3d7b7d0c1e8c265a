"""Coverage of every figure that is printed with an interval, on populations that are known exactly.

A case draws samples from a population, has the product's own functions estimate a figure, and
counts how often the interval holds the truth. Where scores tie, the truth is the population's under
the same rule: every sample of one score is on the same side of a threshold. Figures that depend on
counts alone are not simulated: all counts are enumerated.

The simulations make 1,000 draws a case, 10,000 where that leaves a doubt, and print them all::

    pytest -m simulation -rP tests/statistics/test_interval_coverage.py
"""

from collections.abc import Callable, Iterator
from itertools import product
from math import exp, log10, pi, sqrt
from statistics import NormalDist

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import binom

from safecompress_core.audit.selection_gap import selection_gap
from safecompress_core.compare.seed_statistics import summary
from safecompress_core.games.inversion import psnr
from safecompress_core.games.measures.epsilon_bound import MatchedPairs, one_run_bound
from safecompress_core.games.measures.membership_details import (
    advantage_of_decisions,
    precision_at_prior,
    top_scored,
)
from safecompress_core.results.schema import MembershipRecord
from safecompress_core.stats.intervals import (
    Estimate,
    auc_interval,
    clopper_pearson,
    macro_auc_interval,
)
from safecompress_core.stats.low_fpr import tpr_interval
from safecompress_core.stats.means import (
    bounded_mean,
    error_mean,
    hits_difference,
    mean_difference,
    relative_reduction,
)
from safecompress_core.stats.roc import tpr_at_fpr
from tests.core.fixtures.records import membership_record

# M members · N₀ non-members · N samples of either kind

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Generator = np.random.Generator
Told = tuple[Estimate | None, float]
"""What the product tells of a draw, None where it tells nothing, and the truth."""
Draw = Callable[[Generator], Told]

RUNS, WANTED = 1000, 0.94
AGAIN = 10_000
"""Draws of a case that was under 94 % in 1,000, as one in fourteen is whose coverage is 95 %."""
NORMAL = NormalDist()
EDGES: dict[str, Floats] = {
    "continuous": np.array([]),
    "tied": np.arange(-4.25, 6.0, 0.5),
    "tied at the limit": NORMAL.inv_cdf(0.9) + np.arange(-4, 5) / 2,
    "two values": np.array([0.5]),
}
AUCS = (0.5, 0.6, 0.8)
SIZES = ((20, 20), (20, 200), (200, 20), (100, 100), (300, 300), (400, 1600))
COUNTS = (20, 100, 2000)


def coverage(draw: Draw, *, runs: int, seed: int) -> tuple[float, float]:
    """How often the interval holds the truth, and its mean width; NaN if none was told."""
    generator = np.random.default_rng(seed)
    told = [draw(generator) for _ in range(runs)]
    found = [(one, truth) for one, truth in told if one is not None]
    if len(found) < runs / 2:
        return float("nan"), float("nan")
    held = [one.low - 1e-9 <= truth <= one.high + 1e-9 for one, truth in found]
    return float(np.mean(held)), float(np.mean([one.high - one.low for one, _ in found]))


class Population:
    """Normal scores of members, around a shift, and of non-members, around 0; cut where they tie.

    Args:
        auc: of the scores before they are cut.
        cut: a key of ``EDGES``; a score is the number of edges below it.
    """

    def __init__(self, auc: float, cut: str) -> None:
        self.shift = sqrt(2) * NORMAL.inv_cdf(auc)
        self.edges = EDGES[cut]

    def draw(self, members: int, others: int, generator: Generator) -> Floats:
        """Scores of members first, shape (M + N₀,)."""
        scores = generator.normal(size=members + others)
        scores[:members] += self.shift
        return self.edges.searchsorted(scores).astype(np.float64) if len(self.edges) else scores

    def rates(self, edge: float) -> tuple[float, float]:
        """True and false positives where members are those above a value of the uncut scores."""
        return _above(edge - self.shift), _above(edge)

    def points(self) -> list[tuple[float, float]]:
        """The rates at every threshold of cut scores, from the strictest."""
        return [self.rates(edge) for edge in (np.inf, *self.edges[::-1], -np.inf)]

    def area(self) -> float:
        """AUC, ties counted half."""
        if not len(self.edges):
            return NORMAL.cdf(self.shift / sqrt(2))
        tpr, fpr = np.array(self.points()).T
        return float(((tpr[1:] + tpr[:-1]) / 2 * np.diff(fpr)).sum())

    def tpr(self, max_fpr: float) -> float:
        """The highest rate whose false-positive rate is at most ``max_fpr``."""
        if not len(self.edges):
            return self.rates(NORMAL.inv_cdf(1 - max_fpr))[0]
        return max(hits for hits, errors in self.points() if errors <= max_fpr + 1e-12)

    def fpr_above(self, threshold: float) -> float:
        """False positives of a threshold that a sample gave: the scores that reach it."""
        if not np.isfinite(threshold) or not len(self.edges):
            return _above(threshold)
        return self.rates((-np.inf, *self.edges)[int(threshold)])[1]

    def precision_at_top(self, share: float, members: float) -> float:
        """Of the highest ``share``, whole ties, how many are members; ``members`` of all are."""

        def parts(edge: float) -> tuple[float, float]:
            hits, errors = self.rates(edge)
            return members * hits, (1 - members) * errors

        if len(self.edges):
            edge = next(one for one in (*self.edges[::-1], -np.inf) if sum(parts(one)) >= share)
        else:
            edge = float(brentq(lambda one: sum(parts(one)) - share, -9, 9))
        return parts(edge)[0] / sum(parts(edge))


def _above(value: float) -> float:
    return 1 - NORMAL.cdf(value) if np.isfinite(value) else float(value < 0)


Membership = Callable[[Floats, Bools, Population], Told]


def _tpr(max_fpr: float) -> Membership:
    def figure(scores: Floats, is_member: Bools, population: Population) -> Told:
        if (~is_member).sum() * max_fpr < 10:
            return None, 0.0
        return tpr_interval(scores, is_member, max_fpr=max_fpr), population.tpr(max_fpr)

    return figure


def _fpr(scores: Floats, is_member: Bools, population: Population) -> Told:
    """Of the threshold that was found, so the truth differs from draw to draw."""
    if (~is_member).sum() < 100:
        return None, 0.0
    point = tpr_at_fpr(scores, is_member, max_fpr=0.1)
    reached = clopper_pearson(point.false_positives, point.non_members)
    return reached, population.fpr_above(point.threshold)


def _top(scores: Floats, is_member: Bools, population: Population) -> Told:
    truth = population.precision_at_top(0.1, float(is_member.mean()))
    return top_scored(scores, is_member).precision, truth


MEMBERSHIP: dict[str, Membership] = {
    "AUC": lambda scores, is_member, one: (auc_interval(scores, is_member), one.area()),
    "TPR at 10 % FPR": _tpr(0.1),
    "TPR at 1 % FPR": _tpr(0.01),
    "FPR reached": _fpr,
    "members in the top tenth": _top,
}


def membership_draw(figure: str, auc: float, cut: str, members: int, others: int) -> Draw:
    """Draws of one figure of a membership attack."""
    population, is_member = Population(auc, cut), np.arange(members + others) < members
    estimate = MEMBERSHIP[figure]
    return lambda generator: estimate(
        population.draw(members, others, generator), is_member, population
    )


def membership_cases(figure: str) -> Iterator[tuple[str, Draw]]:
    """Every population in every size."""
    for cut, (members, others), auc in product(EDGES, SIZES, AUCS):
        name = f"{figure}: {cut}, {members} + {others}, AUC {auc}"
        yield name, membership_draw(figure, auc, cut, members, others)


PAIRED = {
    "no better than the guess": (0.5, 0.1, 0.1, 0.3),
    "better": (0.5, 0.25, 0.05, 0.2),
    "far better": (0.25, 0.65, 0.02, 0.08),
    "both mostly right": (0.88, 0.06, 0.02, 0.04),
}
"""Shares of samples where attack and guess are right, only the attack, only the guess, neither."""


def paired_cases(figure: str) -> Iterator[tuple[str, Draw]]:
    """Lift, and advantage over a guess: of attribute, evasion and extraction."""

    def draw(generator: Generator, cells: tuple[float, ...], count: int) -> Told:
        kind = generator.choice(4, size=count, p=cells)
        ours, theirs = kind <= 1, (kind == 0) | (kind == 2)
        _, only_ours, only_theirs, neither = cells
        if figure == "lift":
            return hits_difference(ours, theirs), only_ours - only_theirs
        left = (only_theirs + neither) / (only_ours + neither)
        return relative_reduction(~ours, ~theirs), 1 - left

    for (name, cells), count in product(PAIRED.items(), COUNTS):
        yield (
            f"{figure}: {name}, n {count}",
            lambda generator, cells=cells, count=count: draw(generator, cells, count),
        )


def _half_normal(generator: Generator, count: int) -> Floats:
    return np.abs(generator.normal(size=count))


def _squares(generator: Generator, count: int) -> Floats:
    """Means of four squares: as skewed as the errors of a reconstruction are."""
    return (generator.normal(size=(count, 4)) ** 2).mean(axis=1)


def error_cases(figure: str) -> Iterator[tuple[str, Draw]]:
    """Mean errors, and what an attack's are less than a guess's: numbers and reconstructions."""
    kinds = {"absolute": (_half_normal, sqrt(2 / pi)), "squared": (_squares, 1.0)}

    def draw(generator: Generator, kind: str, left: float, count: int) -> Told:
        sample, mean = kinds[kind]
        shared = sample(generator, count)  # samples that are hard for one are hard for the other
        theirs = (shared + sample(generator, count)) / 2
        ours = left * (shared + sample(generator, count)) / 2
        told: dict[str, Callable[[], Told]] = {
            "mean error": lambda: (error_mean(left * shared), left * mean),
            "PSNR": lambda: (
                psnr(error_mean(left * shared / 100), 1.0),
                -10 * log10(left * mean / 100),
            ),
            "lift of errors": lambda: (mean_difference(theirs, ours), (1 - left) * mean),
            "advantage by errors": lambda: (relative_reduction(ours, theirs), 1 - left),
        }
        return told[figure]()

    if figure == "lift of errors":  # told of numbers alone, whose errors are absolute
        del kinds["squared"]
    for kind, left, count in product(kinds, (1.0, 0.6, 0.2), COUNTS):
        yield (
            f"{figure}: {kind}, {left} of the guess's, n {count}",
            lambda generator, kind=kind, left=left, count=count: draw(generator, kind, left, count),
        )


def mean_cases(figure: str) -> Iterator[tuple[str, Draw]]:
    """Metrics that are means over samples, similarities of images, means over seeds."""

    def draw(generator: Generator, alpha: float, beta: float, count: int) -> Told:
        values = generator.beta(alpha, beta, size=count)
        truth = alpha / (alpha + beta)
        if figure == "metric":
            return bounded_mean(values), truth
        return mean_difference(values, np.zeros(count)).clip(-1.0, 1.0), truth

    shapes = [(2.0, 2.0), (6.0, 2.0)] + [(0.9, 0.1), (0.5, 0.5)] * (figure == "metric")
    for (alpha, beta), count in product(shapes, COUNTS):
        yield (
            f"{figure}: Beta({alpha}, {beta}), n {count}",
            lambda generator, alpha=alpha, beta=beta, count=count: draw(
                generator, alpha, beta, count
            ),
        )


def seed_cases(figure: str) -> Iterator[tuple[str, Draw]]:
    """A figure over seeds, with Student's interval."""

    def draw(generator: Generator, count: int) -> Told:
        found = summary(generator.normal(0.7, 0.02, size=count).tolist())
        return Estimate(found["mean"], *found["interval"]), 0.7

    for count in (3, 5, 10):
        yield f"{figure}: {count}", lambda generator, count=count: draw(generator, count)


def macro_cases(figure: str) -> Iterator[tuple[str, Draw]]:
    """Three values of an attribute; scores of each that are normal, or one guess."""
    shares = np.array([0.5, 0.3, 0.2])

    def draw(generator: Generator, auc: float, is_guess: bool, count: int) -> Told:
        truth = generator.choice(3, size=count, p=shares)
        if len(np.unique(truth)) < 2:
            return None, 0.5
        if not is_guess:
            shift = sqrt(2) * NORMAL.inv_cdf(auc)
            scores = generator.normal(size=(count, 3)) + shift * np.eye(3)[truth]
            return macro_auc_interval(scores, truth), auc
        right = 2 * auc - 1  # otherwise it is any value, so that TPR − FPR is this share
        guess = np.where(generator.random(count) < right, truth, generator.integers(3, size=count))
        return macro_auc_interval(np.eye(3)[guess], truth), auc

    for auc, is_guess, count in product(AUCS, (False, True), COUNTS):
        kind = "one guess" if is_guess else "scores"
        yield (
            f"{figure}: {kind}, AUC {auc}, n {count}",
            lambda generator, auc=auc, is_guess=is_guess, count=count: draw(
                generator, auc, is_guess, count
            ),
        )


def epsilon_cases(figure: str) -> Iterator[tuple[str, Draw]]:
    """Each bit of membership is answered by randomised response, so ε is known exactly.

    Two bits differ where a sample is replaced by another, so ε is twice that of one bit.
    """

    def draw(generator: Generator, one_bit: float, count: int) -> Told:
        is_member = np.arange(count) % 2 == 0
        told = generator.random(count) < exp(one_bit) / (1 + exp(one_bit))
        scores = np.where(told, is_member, ~is_member).astype(np.float64)
        pairs = MatchedPairs.match_randomly(is_member, np.zeros(count), generator=generator)
        bound = one_run_bound(scores, pairs)
        assert bound is not None
        return Estimate(bound.epsilon, bound.epsilon, np.inf), 2 * one_bit

    for one_bit, count in product((0.0, 0.25, 1.0), COUNTS):
        yield (
            f"{figure}: {2 * one_bit:g}, n {count}",
            lambda generator, one_bit=one_bit, count=count: draw(generator, one_bit, count),
        )


def gap_cases(figure: str) -> Iterator[tuple[str, Draw]]:
    """Advantage in the audit less that of the select pool, two pools of the same attack."""

    def attack(generator: Generator, population: Population, side: int) -> MembershipRecord:
        scores = population.draw(side, side, generator)
        found = advantage_of_decisions(
            scores > population.shift / 2, np.arange(2 * side) < side
        ).clip(0.0, 1.0)
        return membership_record(found.value, advantage_interval=found.interval)

    def draw(generator: Generator, seen: float, found: float, side: int) -> Told:
        pools = [Population(auc, "continuous") for auc in (seen, found)]
        select, audit = (attack(generator, one, side) for one in pools)
        gap = selection_gap({"attack": select}, {"attack": audit})["membership"]
        one, two = (hits - errors for hits, errors in (p.rates(p.shift / 2) for p in pools))
        return Estimate(gap.gap, *gap.gap_interval), two - one

    for (seen, found), side in product([(0.5, 0.5), (0.6, 0.6), (0.6, 0.8)], (20, 100, 1000)):
        yield (
            f"{figure}: AUC {seen} and {found}, {side} + {side}",
            lambda generator, seen=seen, found=found, side=side: draw(generator, seen, found, side),
        )


CASES: dict[str, Callable[[str], Iterator[tuple[str, Draw]]]] = {
    **dict.fromkeys(MEMBERSHIP, membership_cases),
    **dict.fromkeys(("lift", "advantage over a guess"), paired_cases),
    **dict.fromkeys(("mean error", "PSNR", "lift of errors", "advantage by errors"), error_cases),
    **dict.fromkeys(("metric", "similarity"), mean_cases),
    "macro AUC": macro_cases,
    "epsilon": epsilon_cases,
    "selection gap": gap_cases,
    "seeds": seed_cases,
}


@pytest.mark.simulation
@pytest.mark.parametrize("figure", CASES)
def test_an_interval_covers_what_it_says(figure: str) -> None:
    """In 94 of 100 draws at least, in every population and size."""
    found = {}
    for number, (name, draw) in enumerate(CASES[figure](figure)):
        covered, width = coverage(draw, runs=RUNS, seed=number)
        if covered < WANTED:
            covered, width = coverage(draw, runs=AGAIN, seed=number)
        if not np.isnan(covered):
            found[name] = covered
            print(f"{covered:6.1%}  width {width:.3f}  {name}")  # noqa: T201  the table

    missed = {name: covered for name, covered in found.items() if covered < WANTED}
    assert found
    assert not missed


@pytest.mark.parametrize(
    ("figure", "auc", "cut", "members", "others"),
    [
        ("TPR at 10 % FPR", 0.8, "continuous", 500, 100),
        ("TPR at 10 % FPR", 0.6, "tied at the limit", 100, 300),
        ("AUC", 0.8, "continuous", 20, 20),
        ("AUC", 0.5, "two values", 20, 20),
    ],
)
def test_an_interval_covers_where_it_used_not_to(
    figure: str, auc: float, cut: str, members: int, others: int
) -> None:
    """A known threshold's covers 51 % in the first case, DeLong's own variance 87 % in others."""
    covered, _ = coverage(membership_draw(figure, auc, cut, members, others), runs=200, seed=18)

    assert covered >= 0.92


def _advantage(hits: float, errors: float) -> float:
    return hits - errors


def _precision(hits: float, errors: float) -> float:
    return 0.1 * hits / (0.1 * hits + 0.9 * errors)


@pytest.mark.parametrize(("members", "others"), [(20, 20), (20, 60), (60, 20)])
@pytest.mark.parametrize(
    ("figure", "truth"), [(advantage_of_decisions, _advantage), (precision_at_prior, _precision)]
)
def test_decisions_cover_exactly(
    figure: Callable[[Bools, Bools], Estimate | None],
    truth: Callable[[float, float], float],
    members: int,
    others: int,
) -> None:
    """Advantage, accuracy (a function of it) and precision: over all counts, whatever the rates.

    Where nobody is called a member, no precision is told; it is not counted.
    """
    is_member = np.arange(members + others) < members
    called = [np.arange(members) < hits for hits in range(members + 1)]
    accused = [np.arange(others) < errors for errors in range(others + 1)]
    found = [[figure(np.concatenate([a, b]), is_member) for b in accused] for a in called]
    told = np.array([[one is not None for one in row] for row in found])
    ends = np.array([[(one.low, one.high) if one else (0, 0) for one in row] for row in found])
    for hits, errors in product((0.05, 0.2, 0.5, 0.8, 0.95), (0.02, 0.1, 0.3, 0.5, 0.7)):
        one, two = (
            binom.pmf(np.arange(count + 1), count, rate)
            for count, rate in ((members, hits), (others, errors))
        )
        likely = np.outer(one, two) * told
        right = truth(hits, errors)
        held = (ends[..., 0] - 1e-9 <= right) & (right <= ends[..., 1] + 1e-9)

        assert (likely * held).sum() / likely.sum() >= WANTED, (hits, errors)


@pytest.mark.parametrize("count", [20, 100, 500])
def test_rates_cover_exactly(count: int) -> None:
    """Accuracy of a model, fidelity, error rates: Clopper and Pearson's, over all counts."""
    ends = np.array([clopper_pearson(hits, count).interval for hits in range(count + 1)])
    for rate in np.linspace(0.005, 0.995, 100):
        likely = binom.pmf(np.arange(count + 1), count, rate)
        held = (ends[:, 0] <= rate) & (rate <= ends[:, 1])

        assert (likely * held).sum() >= 0.95
