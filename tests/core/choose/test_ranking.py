"""Who stays in a field, and why the others leave."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from safecompress_core.choose.aggregator import Aggregator, Objectives
from safecompress_core.choose.manifest import ParetoParams, TmScoreParams, WeightedParams
from safecompress_core.choose.pareto import Pareto
from safecompress_core.choose.ranking import Defeat, FieldRanking, rank_field
from safecompress_core.choose.significance import Replicates
from safecompress_core.choose.tm_score import TmScore
from safecompress_core.choose.weighted import Weighted
from safecompress_core.games.manifest import MEMBERSHIP
from safecompress_core.games.membership import MembershipGame
from safecompress_core.stats.resampling import Resampling

WEIGHTED = Weighted(WeightedParams())

Candidates = Callable[..., Objectives]


def _replicate(
    objectives: Objectives,
    *,
    performance_noise: float = 0.001,
    leak_noise: float | Sequence[float] = 0.001,
    seed: int = 0,
) -> Replicates:
    """Replicates around the objectives, with noise of its own for each lineage and objective."""
    rng = np.random.default_rng(seed)
    shape = (400, *objectives.advantage.shape)
    noise = rng.normal(size=shape) * leak_noise
    own = rng.normal(scale=performance_noise, size=shape[:2])
    return Replicates(
        performance=objectives.performance + own - own.mean(axis=0),
        advantage=objectives.advantage + noise - noise.mean(axis=0),
        attack_accuracy=objectives.attack_accuracy + (noise - noise.mean(axis=0)) / 2,
    )


def _rank(
    objectives: Objectives,
    replicates: Replicates | None = None,
    aggregator: Aggregator = WEIGHTED,
    *,
    costs: Sequence[float] | None = None,
    confidence: float = 0.9,
    keep: int = 1,
) -> FieldRanking:
    return rank_field(
        objectives,
        _replicate(objectives) if replicates is None else replicates,
        aggregator,
        costs=np.ones(len(objectives)) if costs is None else np.array(costs),
        confidence=confidence,
        keep=keep,
    )


def test_noise_in_a_leak_does_not_choose(candidates: Candidates) -> None:
    """Utilities .60 and .57, but leaks of .10 and .14 that differ by one standard error."""
    field = candidates([0.70, 0.71], [[0.10], [0.14]])

    noisy = _rank(field, _replicate(field, leak_noise=0.03))
    precise = _rank(field, _replicate(field, leak_noise=0.003))

    assert noisy.order == (*noisy.kept, 0) == (1, 0)
    assert noisy.departures[0] is not None
    assert noisy.departures[0].reason == "outranked"
    assert noisy.departures[0].defeats == (Defeat(1, "performance"),)
    assert noisy.utilities == pytest.approx((0.60, 0.57))
    assert precise.order == (0, 1)
    assert precise.departures[1] is not None
    assert precise.departures[1].defeats == (Defeat(0, "utility"),)


@pytest.mark.parametrize("aggregator", [WEIGHTED, TmScore(TmScoreParams())])
def test_only_the_leak_that_differs_counts(candidates: Candidates, aggregator: Aggregator) -> None:
    """Leaks of .30 + .10 against .20 + .25, where the second attack is too noisy to be read.

    As measured the first lineage is ahead by either rule; with .175 for both by the second attack,
    the second lineage is, in advantage and in attack accuracy.
    """
    field = candidates([0.70, 0.70], [[0.30, 0.10], [0.20, 0.25]])

    ranking = _rank(field, _replicate(field, leak_noise=[0.003, 0.3]), aggregator)

    assert ranking.utilities[0] > ranking.utilities[1]
    assert ranking.order == (1, 0)


def test_pairing_takes_out_the_noise_that_lineages_share(candidates: Candidates) -> None:
    """Leaks move together by .1; their difference of .01 is certain all the same."""
    field = candidates([0.700, 0.705], [[0.20], [0.21]])
    shared = np.random.default_rng(1).normal(scale=0.1, size=(400, 1, 1))
    alone = _replicate(field)
    paired = Replicates(
        performance=alone.performance,
        advantage=alone.advantage + shared - shared.mean(),
        attack_accuracy=alone.attack_accuracy,
    )

    assert _rank(field, paired).order == (0, 1)


def test_exact_ties_go_to_cost_and_then_to_the_first(candidates: Candidates) -> None:
    """Leaks do not differ significantly and performance is the same: noise decides nothing."""
    field = candidates([0.7, 0.7, 0.7], [[0.10], [0.12], [0.11]])

    ranking = _rank(field, _replicate(field, leak_noise=0.05), costs=[3.0, 2.0, 2.0])

    assert ranking.order == (1, 2, 0)
    assert ranking.wins == (0, 2, 1)
    criteria = [departure and departure.defeats for departure in ranking.departures]
    assert criteria == [(Defeat(1, "cost"),), None, (Defeat(1, "index"),)]


def test_equal_utilities_go_to_the_task(candidates: Candidates) -> None:
    """.70 − .20 = .75 − .25, but for rounding."""
    field = candidates([0.70, 0.75], [[0.20], [0.25]])

    ranking = _rank(field)

    assert ranking.order == (1, 0)
    assert ranking.departures[0] is not None
    assert ranking.departures[0].defeats == (Defeat(1, "performance"),)


def test_a_circle_is_broken_by_the_margin_of_utility(candidates: Candidates) -> None:
    """Steps of .03 in leak are noise, .06 is not: 0 beats 1, 1 beats 2 by the task, 2 beats 0.

    Margins are +.01 and −.04 for 0; −.01 and +.01 for 1; −.01 and +.04 for 2.
    """
    field = candidates([0.72, 0.71, 0.70], [[0.20], [0.17], [0.14]])

    ranking = _rank(field, _replicate(field, leak_noise=0.018))

    assert ranking.wins == (1, 1, 1)
    assert ranking.order == (2, 1, 0)
    first, second, _ = ranking.departures
    assert first is not None
    assert first.defeats == (Defeat(2, "utility"),)
    # It wins against the one that is kept, and has the smaller margin over the field.
    assert second is not None
    assert (second.reason, second.defeats) == ("outranked", ())


def test_dominated_lineages_leave_at_once(candidates: Candidates) -> None:
    """Lineage 1 is worse than 0 in everything; the place goes to 2, which is only worse in task."""
    field = candidates([0.8, 0.7, 0.5], [[0.2], [0.3], [0.1]])

    ranking = _rank(field, keep=3)
    two = _rank(field, keep=2)

    assert ranking.order == (0, 1, 2)
    assert ranking.kept == two.kept == (0, 2)
    assert ranking.dominated == (1,)
    departure = ranking.departures[1]
    assert departure is not None
    assert (departure.reason, departure.defeats) == ("dominated", (Defeat(0, "utility"),))


def test_a_dominated_lineage_ahead_in_the_order_gives_its_place(candidates: Candidates) -> None:
    """By utility .6, .55, .4; the second is dominated by the first, and the third is not."""
    field = candidates([0.80, 0.76, 0.50], [[0.20], [0.21], [0.10]])

    ranking = _rank(field, keep=2)

    assert ranking.order == (0, 1, 2)
    assert ranking.kept == (0, 2)


def test_to_be_worse_in_some_objectives_is_not_to_be_dominated(candidates: Candidates) -> None:
    """One of two leaks, or the task, that no test tells apart is enough to stay."""
    field = candidates([0.8, 0.7], [[0.2, 0.2], [0.3, 0.3]])

    one_leak = _rank(field, _replicate(field, leak_noise=[0.001, 0.2]), keep=2)
    task = _rank(field, _replicate(field, performance_noise=0.2), keep=2)
    all_differ = _rank(field, keep=2)

    assert one_leak.kept == task.kept == (0, 1)
    assert all_differ.kept == (0,)


def test_attacks_of_weight_0_have_no_part(candidates: Candidates) -> None:
    """They neither say that leaks differ, nor save a lineage from being dominated."""
    alike = candidates([0.70, 0.71], [[0.1, 0.2], [0.1, 0.3]], weights=[1, 0])
    worse = candidates([0.8, 0.7], [[0.2, 0.9], [0.3, 0.1]], weights=[1, 0])

    assert _rank(alike).departures[0] is not None
    assert _rank(alike).order == (1, 0)
    assert _rank(worse, keep=2).dominated == (1,)


def test_without_attacks_the_task_is_every_objective(candidates: Candidates) -> None:
    """A difference of .1 is significant, one of .001 is not, and still orders."""
    field = candidates([0.7, 0.8, 0.801], [[], [], []])

    ranking = _rank(field, _replicate(field, performance_noise=0.01), keep=3)

    assert ranking.order == (2, 1, 0)
    assert ranking.kept == (2, 1)
    assert ranking.dominated == (0,)


def test_a_knee_is_a_knee_of_the_field(candidates: Candidates) -> None:
    """Of two lineages alone neither bulges, and performance would decide."""
    field = candidates([0.5, 0.78, 0.8], [[0.1], [0.15], [0.5]])

    ranking = _rank(field, aggregator=Pareto(ParetoParams()))

    assert ranking.kept == (1,)
    assert ranking.wins == (0, 2, 1)


def test_one_lineage_stays(candidates: Candidates) -> None:
    """It has nobody to be compared with."""
    ranking = _rank(candidates([0.5], [[0.9]]), keep=4)

    assert (ranking.order, ranking.kept, ranking.departures) == ((0,), (0,), (None,))
    assert ranking.wins == (0,)


fields = st.integers(1, 6).flatmap(
    lambda count: st.tuples(
        st.lists(st.floats(0.1, 0.9), min_size=count, max_size=count, unique=True),
        st.lists(st.tuples(st.floats(0, 0.9), st.floats(0, 0.9)), min_size=count, max_size=count),
        st.permutations(range(count)),
        st.integers(1, count),
        st.sampled_from([0.001, 0.05, 0.3]),
    )
)


def _field(performance: Sequence[float], leaks: Sequence[tuple[float, float]]) -> Objectives:
    # Rounded: a difference near that of rounding counts in one order of a sum and not in another.
    advantage = np.array(leaks).reshape(-1, 2).round(6)
    return Objectives(
        performance=np.array(performance),
        advantage=advantage,
        attack_accuracy=(1 + advantage) / 2,
        weights=np.array([1.0, 0.5]),
    )


@given(fields)
@settings(max_examples=100, deadline=None)
def test_renaming_lineages_renames_the_ranking(
    field: tuple[list[float], list[tuple[float, float]], list[int], int, float],
) -> None:
    """The order of lineages decides nothing, costs differ and so nothing ties exactly."""
    performance, leaks, renamed, keep, noise = field
    objectives = _field(performance, leaks)
    replicates = _replicate(objectives, performance_noise=0.02, leak_noise=noise)
    costs = np.arange(len(performance), dtype=float)

    ranking = _rank(objectives, replicates, costs=costs.tolist(), keep=keep)
    again = _rank(
        _field([performance[i] for i in renamed], [leaks[i] for i in renamed]),
        Replicates(
            performance=replicates.performance[:, renamed],
            advantage=replicates.advantage[:, renamed],
            attack_accuracy=replicates.attack_accuracy[:, renamed],
        ),
        costs=costs[renamed].tolist(),
        keep=keep,
    )

    assert tuple(renamed[i] for i in again.order) == ranking.order
    assert tuple(renamed[i] for i in again.kept) == ranking.kept
    assert tuple(renamed[i] for i in again.dominated) == ranking.dominated
    assert 1 <= len(ranking.kept) <= keep
    assert not set(ranking.kept) & set(ranking.dominated)


@given(fields)
@settings(max_examples=100, deadline=None)
def test_without_confidence_a_weighted_sum_orders_the_field(
    field: tuple[list[float], list[tuple[float, float]], list[int], int, float],
) -> None:
    """Every difference counts, however noisy; utilities that tie go to the task."""
    performance, leaks, _, _, noise = field
    objectives = _field([round(p, 6) for p in performance], leaks)

    ranking = _rank(objectives, _replicate(objectives, leak_noise=noise), confidence=0)

    in_order = [(round(ranking.utilities[i], 9), objectives.performance[i]) for i in ranking.order]
    assert in_order == sorted(in_order, reverse=True)


def test_the_best_at_the_task_stays_where_no_leak_differs(candidates: Candidates) -> None:
    """Eight lineages leak alike; the measured leaks scatter by .03, performance rises by .01.

    The best at the task is kept alone in 4 of 5 fields, each pair being tested at 90 %, and in a
    third of them where every difference counts.
    """
    kept, kept_by_noise = 0, 0
    performance = 0.70 + 0.01 * np.arange(8)
    for seed in range(60):
        measured = np.random.default_rng(seed).normal(0.2, 0.03, size=(8, 1))
        field = candidates(performance, measured)
        replicates = _replicate(field, leak_noise=0.03, seed=seed)
        kept += _rank(field, replicates).kept == (7,)
        kept_by_noise += _rank(field, replicates, confidence=0).kept == (7,)

    assert kept > 42
    assert kept_by_noise < 30


def test_real_models_are_ranked_on_the_draws_that_they_share() -> None:
    """A full tree has memorised the digits; a logistic regression leaks less and answers better.

    The second of two equal regressions differs from the first in nothing but its cost.
    """
    digits = load_digits()
    shuffled = np.random.default_rng(3).permutation(len(digits.target))[:900]
    inputs, labels = digits.data[shuffled] / 16, digits.target[shuffled]
    is_member = np.arange(900) < 450
    models = [
        DecisionTreeClassifier(random_state=0),
        DecisionTreeClassifier(random_state=0, min_samples_leaf=20),
        LogisticRegression(C=0.02, max_iter=500),
        LogisticRegression(C=0.02, max_iter=500),
    ]
    resampling = Resampling.draw_stratified(
        is_member, draws=500, generator=np.random.default_rng(4)
    )
    accuracies, aucs, estimates = [], [], []
    for model in models:
        posteriors = model.fit(inputs[is_member], labels[is_member]).predict_proba(inputs)
        scores = posteriors[np.arange(900), labels]
        result = MembershipGame(MEMBERSHIP).measure(scores, is_member, threshold=0.5)
        assert result.auc is not None
        correct = posteriors.argmax(axis=1) == labels
        accuracies.append(resampling.means(correct, where=~is_member))
        aucs.append(result.aucs(resampling))
        estimates.append((correct[~is_member].mean(), result.auc.value))
    task, area = np.array(estimates).T
    drawn_areas = np.stack(aucs, axis=1)[:, :, None]

    ranking = rank_field(
        Objectives(
            performance=task,
            advantage=2 * area[:, None] - 1,
            attack_accuracy=area[:, None],
            weights=np.ones(1),
        ),
        Replicates(
            performance=np.stack(accuracies, axis=1),
            advantage=2 * drawn_areas - 1,
            attack_accuracy=drawn_areas,
        ),
        WEIGHTED,
        costs=np.array([1.0, 1.0, 2.0, 1.0]),
        confidence=0.9,
        keep=2,
    )

    assert ranking.order[:2] == ranking.kept == (3, 2)
    assert 0 in ranking.dominated


def test_what_does_not_fit_is_refused(candidates: Candidates) -> None:
    """Wrong counts, confidences and shapes are mistakes of the caller, and said so."""
    field = candidates([0.5, 0.6], [[0.1], [0.2]])
    with pytest.raises(ValueError, match="at least one lineage, not 0"):
        _rank(field, keep=0)
    with pytest.raises(ValueError, match="confidence"):
        _rank(field, confidence=1.0)
    with pytest.raises(ValueError, match="costs must be 2 finite numbers"):
        _rank(field, costs=[1.0])
    with pytest.raises(ValueError, match="costs must be 2 finite numbers"):
        _rank(field, costs=[1.0, np.nan])
    with pytest.raises(ValueError, match="other candidates"):
        _rank(field, _replicate(candidates([0.5], [[0.1]])))
    nobody = Objectives(
        performance=np.zeros(0),
        advantage=np.zeros((0, 1)),
        attack_accuracy=np.zeros((0, 1)),
        weights=np.ones(1),
    )
    with pytest.raises(ValueError, match="needs at least one lineage"):
        _rank(nobody)


def test_a_cost_that_differs_decides_where_no_leak_does(candidates: Candidates) -> None:
    """Costs are exact: .71 − .5 is less than .70 − .1, while leaks differ by noise alone."""
    field = candidates([0.70, 0.71], [[0.10], [0.11]])
    sized = replace(field, costs={"file-bytes": np.array([0.1, 0.5])})
    sizing = Weighted(WeightedParams(measures={"file-bytes": 1}))

    ranking = _rank(sized, _replicate(field, leak_noise=0.03), sizing)

    assert _rank(field, _replicate(field, leak_noise=0.03)).kept == (1,)
    assert ranking.kept == (0,)
    assert ranking.departures[1] is not None
    assert ranking.departures[1].defeats == (Defeat(0, "utility"),)


def test_what_costs_less_is_not_dominated(candidates: Candidates) -> None:
    """Significantly worse in performance and in safety, the second leaves unless it is smaller."""
    field = candidates([0.8, 0.5], [[0.1], [0.4]])
    alike = replace(field, costs={"macs": np.array([0.3, 0.3])})
    smaller = replace(field, costs={"macs": np.array([0.3, 0.2])})
    sizing = Weighted(WeightedParams(measures={"macs": 1}))

    assert _rank(alike, aggregator=sizing, keep=2).dominated == (1,)
    assert _rank(smaller, aggregator=sizing, keep=2).dominated == ()
