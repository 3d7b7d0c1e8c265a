"""What is significantly better, and what only looks so."""

from dataclasses import replace
from unittest.mock import Mock

import numpy as np
import pytest

from safecompress_core.choose.aggregator import Objectives
from safecompress_core.choose.manifest import ParetoParams, WeightedParams, WorstCaseParams
from safecompress_core.choose.pareto import Pareto
from safecompress_core.choose.significance import (
    Replicates,
    better_in_all,
    decide,
    objective_noise,
)
from safecompress_core.choose.weighted import Weighted
from safecompress_core.choose.worst_case import WorstCase

WEIGHTED = Weighted(WeightedParams())


def _test_of(
    correct: np.ndarray, *, seed: int, replicates: int = 400, leak: float = 0.2
) -> tuple[Objectives, Replicates]:
    """Candidates tested on N samples, correct of shape (N, K), with the same leak for all."""
    count, width = correct.shape
    drawn = np.random.default_rng(seed).integers(count, size=(replicates, count))
    performance = correct[drawn].mean(axis=1)  # (R, K)
    advantage = np.full((width, 1), leak)
    objectives = Objectives(
        performance=correct.mean(axis=0),
        advantage=advantage,
        attack_accuracy=(1 + advantage) / 2,
        weights=np.ones(1),
    )
    repeated = np.broadcast_to(advantage, (replicates, width, 1))
    return objectives, Replicates(
        performance=performance, advantage=repeated, attack_accuracy=(1 + repeated) / 2
    )


def test_a_run_keeps_what_it_has_where_nothing_is_significantly_better() -> None:
    """One sample more out of 200 is luck; the incumbent's own difference is 0."""
    correct = np.zeros((200, 2))
    correct[:100, 0] = 1
    correct[50:151, 1] = 1

    decision = decide(*_test_of(correct, seed=0), WEIGHTED, incumbent=0, confidence=0.9)

    assert decision.chosen == 0
    assert decision.significant == (False, False)
    assert decision.differences[0] == (0.0, 0.0, 0.0)
    assert decision.utilities == pytest.approx((0.3, 0.305))
    assert decision.differences[1].low < 0 < decision.differences[1].high


def test_without_confidence_the_likelier_one_is_chosen() -> None:
    """One sample more out of 200 decides then, and one less still does not."""
    correct = np.zeros((200, 3))
    correct[:100, 0] = 1
    correct[50:151, 1] = 1
    correct[:99, 2] = 1

    decision = decide(*_test_of(correct, seed=0), WEIGHTED, incumbent=0, confidence=0)

    assert decision.chosen == 1
    assert decision.significant == (False, True, False)
    assert decide(*_test_of(correct, seed=0), WEIGHTED, incumbent=1, confidence=0).chosen == 1


def test_the_best_of_the_significantly_better_is_chosen() -> None:
    """Both candidates answer all that the incumbent does and more; the second most."""
    correct = np.zeros((200, 3))
    correct[:100, 0] = correct[:120, 1] = correct[:140, 2] = 1

    decision = decide(*_test_of(correct, seed=0), WEIGHTED, incumbent=0, confidence=0.95)

    assert decision.significant == (False, True, True)
    assert decision.chosen == 2


def test_a_lucky_candidate_is_passed_over_for_a_proven_one() -> None:
    """The highest utility belongs to a candidate whose difference is all noise."""
    rng = np.random.default_rng(1)
    drawn = rng.normal(size=(500, 3))
    replicates = _of(0.5 + drawn * [0.0, 0.2, 0.001] + [0.0, 0.06, 0.05])
    objectives = _point([0.5, 0.56, 0.55])

    decision = decide(objectives, replicates, WEIGHTED, incumbent=0, confidence=0.95)

    assert decision.significant == (False, False, True)
    assert decision.chosen == 2


def test_pairing_takes_out_the_noise_that_candidates_share() -> None:
    """Both move together by 0.1; their difference of 0.01 is certain all the same."""
    shared = np.random.default_rng(2).normal(scale=0.1, size=(300, 1))
    own = np.random.default_rng(3).normal(scale=0.001, size=(300, 2))

    decision = decide(
        _point([0.50, 0.51]),
        _of(shared + own + [0.50, 0.51]),
        WEIGHTED,
        incumbent=0,
        confidence=0.95,
    )

    assert decision.chosen == 1
    assert decision.differences[1].high - decision.differences[1].low < 0.02


def test_many_equal_candidates_rarely_produce_a_winner() -> None:
    """30 candidates, all as good as the incumbent: at most 1 decision in 10 may be wrong.

    With an interval of 90 % for each by itself, nearly 4 in 10 were.
    """
    wrong = 0
    for seed in range(100):
        correct = np.random.default_rng(1000 + seed).random((200, 30)) < 0.5
        tested = _test_of(correct.astype(float), seed=seed, replicates=200)
        wrong += decide(*tested, WEIGHTED, incumbent=0, confidence=0.9).chosen != 0
    assert wrong <= 15


def test_alike_candidates_cost_no_width() -> None:
    """20 copies of one candidate are one comparison, so the interval is as wide as for one."""
    drawn = np.random.default_rng(4).normal([0.5, 0.52], 0.01, size=(500, 2))

    alone = decide(_point([0.5, 0.52]), _of(drawn), WEIGHTED, incumbent=0, confidence=0.95)
    copies = np.column_stack((drawn, *[drawn[:, 1]] * 19))
    many = decide(_point([0.5, *[0.52] * 20]), _of(copies), WEIGHTED, incumbent=0, confidence=0.95)

    assert many.differences[1] == pytest.approx(alone.differences[1])


def test_replicates_judge_candidates_in_their_company() -> None:
    """A knee that is dominated in every third replicate is not significantly a knee."""
    performance = np.tile([0.4, 0.6, 0.8], (300, 1))
    advantage = np.tile([[0.1], [0.2], [0.5]], (300, 1, 1))
    performance[::3, 1], advantage[::3, 1, 0] = 0.39, 0.12
    replicates = Replicates(
        performance=performance, advantage=advantage, attack_accuracy=(1 + advantage) / 2
    )
    objectives = Objectives(
        performance=performance[1],
        advantage=advantage[1],
        attack_accuracy=(1 + advantage[1]) / 2,
        weights=np.ones(1),
    )
    knee = Pareto(ParetoParams())

    decision = decide(objectives, replicates, knee, incumbent=0, confidence=0.9)

    assert np.argmax(decision.utilities) == 1
    assert decision.chosen == 0


def test_what_is_surely_better_in_every_objective_wins_however_noisy_its_utility() -> None:
    """A utility of nothing but noise tells no two apart; the objectives do."""
    rng = np.random.default_rng(6)
    performance = np.tile([0.4, 0.6, 0.8], (300, 1))
    advantage = np.tile([[0.6], [0.3], [0.7]], (300, 1, 1))
    aggregator = Mock(utilities=lambda objectives: rng.normal(size=len(objectives)))

    decision = decide(*_found(performance, advantage), aggregator, incumbent=0, confidence=0.9)

    assert decision.differences[1].low < 0 < decision.differences[1].high
    assert decision.significant == (False, True, False)
    assert decision.chosen == 1


def test_to_be_better_in_one_objective_alone_is_not_enough() -> None:
    """Surely more accurate, and as safe as the incumbent give or take noise: nobody knows."""
    rng = np.random.default_rng(5)
    performance = np.tile([0.4, 0.6], (300, 1))
    advantage = np.full((300, 2, 1), 0.3) + rng.normal(scale=0.05, size=(300, 2, 1))
    worst = WorstCase(WorstCaseParams(floor=0.3))

    decision = decide(*_found(performance, advantage), worst, incumbent=0, confidence=0.9)

    assert decision.chosen == 0


def test_an_attack_of_weight_0_takes_no_part_in_better_in_all() -> None:
    """The second attack finds more in the better candidate, and is only watched."""
    performance = np.tile([0.4, 0.6], (300, 1))
    advantage = np.tile([[0.4, 0.1], [0.3, 0.9]], (300, 1, 1))
    objectives, replicates = _found(performance, advantage)

    watched = replace(objectives, weights=np.array([1.0, 0.0]))
    better = better_in_all(watched, replicates, incumbent=0, confidence=0.9)

    assert better.tolist() == [False, True]
    assert not better_in_all(objectives, replicates, incumbent=0, confidence=0.9).any()


def _found(performance: np.ndarray, advantage: np.ndarray) -> tuple[Objectives, Replicates]:
    """Replicates of shapes (R, K) and (R, K, A), and the second of them as what was found."""
    replicates = Replicates(
        performance=performance, advantage=advantage, attack_accuracy=(1 + advantage) / 2
    )
    return (
        Objectives(
            performance=performance[1],
            advantage=advantage[1],
            attack_accuracy=(1 + advantage[1]) / 2,
            weights=np.ones(advantage.shape[2]),
        ),
        replicates,
    )


def test_equal_candidates_are_never_significant() -> None:
    """No variance and no difference: no division by zero, and the incumbent stays."""
    decision = decide(
        _point([0.5, 0.5, 0.6]),
        _of(np.tile([0.5, 0.5, 0.6], (10, 1))),
        WEIGHTED,
        incumbent=1,
        confidence=0.9,
    )

    assert decision.significant == (False, False, True)
    assert decision.differences[0] == (0.0, 0.0, 0.0)
    alone = decide(_point([0.5]), _of(np.full((5, 1), 0.5)), WEIGHTED, incumbent=0, confidence=0.9)
    assert alone.chosen == 0


def test_spread_stands_beside_the_noise_of_the_test() -> None:
    """Accuracies 0.4, 0.5, 0.6 have deviation 0.1; the differences' errors are 0.03 and 0.04."""
    drawn = np.random.default_rng(5).normal(size=(4000, 3)) * [0.0, 0.03, 0.04]

    shown = objective_noise(
        _point([0.4, 0.5, 0.6]), _of(np.array([0.4, 0.5, 0.6]) + drawn), incumbent=0
    )

    assert shown.performance.spread == pytest.approx(0.1)
    assert shown.performance.noise == pytest.approx(np.sqrt((0.03**2 + 0.04**2) / 2), rel=0.05)
    assert shown.performance.tells_apart
    assert (shown.advantage[0].spread, shown.advantage[0].noise) == (0.0, 0.0)
    assert not shown.advantage[0].tells_apart


def test_candidates_that_are_all_alike_are_not_told_apart() -> None:
    """Their mean is rounded, so numpy finds a deviation of 1e-17, and there is no noise at all."""
    alike = np.full(11, 0.06295984809126547)
    assert alike.std(ddof=1) > 0

    shown = objective_noise(
        _point(list(alike)), _of(np.tile(alike, (5, 1))), incumbent=0
    ).performance

    assert (shown.spread, shown.noise, shown.tells_apart) == (0.0, 0.0, False)


def test_what_does_not_fit_is_refused() -> None:
    """Wrong incumbents, confidences and shapes are mistakes of the caller, and said so."""
    objectives, replicates = _point([0.5, 0.6]), _of(np.zeros((5, 2)))
    with pytest.raises(ValueError, match="incumbent 2"):
        decide(objectives, replicates, WEIGHTED, incumbent=2, confidence=0.9)
    with pytest.raises(ValueError, match="confidence"):
        decide(objectives, replicates, WEIGHTED, incumbent=0, confidence=1.0)
    with pytest.raises(ValueError, match="confidence"):
        decide(objectives, replicates, WEIGHTED, incumbent=0, confidence=-0.1)
    with pytest.raises(ValueError, match="at least 2 replicates"):
        decide(objectives, _of(np.zeros((1, 2))), WEIGHTED, incumbent=0, confidence=0.9)
    with pytest.raises(ValueError, match="other candidates"):
        objective_noise(objectives, _of(np.zeros((5, 3))), incumbent=0)


def _point(performance: list[float]) -> Objectives:
    advantage = np.zeros((len(performance), 1))
    return Objectives(
        performance=np.array(performance),
        advantage=advantage,
        attack_accuracy=(1 + advantage) / 2,
        weights=np.ones(1),
    )


def _of(performance: np.ndarray) -> Replicates:
    advantage = np.zeros((*performance.shape, 1))
    return Replicates(
        performance=performance, advantage=advantage, attack_accuracy=(1 + advantage) / 2
    )
