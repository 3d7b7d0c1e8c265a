"""Candidates are compared on the same resampled tests; luck does not count as better."""

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, Literal

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from safecompress_core.api import Params
from safecompress_core.choose.aggregator import Aggregator
from safecompress_core.choose.manifest import (
    ParetoParams,
    SeverityParams,
    TmScoreParams,
    WeightedParams,
)
from safecompress_core.choose.pareto import Pareto
from safecompress_core.choose.severity import Severity
from safecompress_core.choose.tm_score import TmScore
from safecompress_core.choose.weighted import Weighted
from safecompress_core.games.attack_result import AttackResult
from safecompress_core.games.manifest import MEMBERSHIP
from safecompress_core.games.membership import MembershipGame
from safecompress_core.games.scores import AttackScores
from safecompress_core.methods.lineages.evaluator import Evaluation
from safecompress_core.methods.lineages.model_figures import ModelFigures
from safecompress_core.methods.lineages.params import StrategyParams
from safecompress_core.methods.lineages.round_selection import RoundSelection
from safecompress_core.methods.test_driven.params import TestDrivenParams
from safecompress_core.stats.resampling import Resampling

MEMBERS, OTHERS = 200, 300
IS_MEMBER = np.arange(MEMBERS + OTHERS) < MEMBERS


class PruneParams(Params):
    type: Literal["magnitude"] = "magnitude"


class GrowParams(Params):
    type: Literal["random"] = "random"


def params(**more: Any) -> TestDrivenParams:
    """Of a method; only what a ballot reads matters."""
    strategies = [StrategyParams(prune=PruneParams(), grow=GrowParams())]
    return TestDrivenParams.model_construct(
        strategies=strategies,
        **{"bound": "careful", "confidence": 0.9, "statistic": "auc", **more},
    )


def examiner(*attacks: str) -> Any:
    """What a ballot asks of one."""
    resampling = Resampling.draw_stratified(
        IS_MEMBER, draws=400, generator=np.random.default_rng(3)
    )
    return SimpleNamespace(
        attacks=attacks,
        games=(MEMBERSHIP.name,) * len(attacks),
        weights=np.ones(len(attacks)),
        is_member=IS_MEMBER,
        resampling=resampling,
        resampling_of=lambda *_: resampling,
        measures={},
    )


def membership(*, tpr: float, fpr: float, seed: int = 0) -> AttackResult:
    """An attack that says "member" of these shares of members and non-members."""
    generator = np.random.default_rng(seed)
    says = np.concatenate(
        [
            generator.permutation(np.arange(MEMBERS) < tpr * MEMBERS),
            generator.permutation(np.arange(OTHERS) < fpr * OTHERS),
        ]
    )
    answers = AttackScores(
        scores=torch.as_tensor(says.astype(float)),
        truth=torch.as_tensor(IS_MEMBER),
        labels=torch.zeros(len(says), dtype=torch.int64),
        is_member=torch.as_tensor(IS_MEMBER),
    )
    return MembershipGame(MEMBERSHIP).measure_scores(answers, answers, threshold=0.5)


def hits(share: float, *, seed: int = 0) -> NDArray[np.float64]:
    """Which non-members a model gets right."""
    generator = np.random.default_rng(seed)
    return generator.permutation(np.arange(OTHERS) < share * OTHERS).astype(float)


def examination(performance: NDArray[np.float64], result: AttackResult | None = None) -> Evaluation:
    """The test of one candidate."""
    judgements = {} if result is None else {"mia": result}
    return Evaluation(performance=performance, results=judgements, outperformed={})


WEIGHTED = Weighted(WeightedParams())


def chosen_among(
    evaluations: Sequence[Evaluation],
    evaluator: Any,
    aggregator: Aggregator,
    of_method: TestDrivenParams,
    **more: Any,
) -> RoundSelection:
    """The selection among models that were tested like this."""
    return RoundSelection(
        [
            ModelFigures.of(evaluation, evaluator, of_method, costs=np.zeros(0))
            for evaluation in evaluations
        ],
        evaluator,
        aggregator,
        confidence=of_method.confidence,
        **more,
    )


def test_a_candidate_that_is_only_luckier_does_not_win() -> None:
    """Two right answers more of 300, and an attack that fails once more: the run keeps its own."""
    selection = chosen_among(
        [
            examination(hits(0.60), membership(tpr=0.5, fpr=0.2)),
            examination(hits(0.607, seed=1), membership(tpr=0.495, fpr=0.2, seed=1)),
        ],
        examiner("mia"),
        WEIGHTED,
        params(),
    )

    assert selection.winners == (0,)
    verdict = selection.verdict_on(1)
    assert verdict["difference"] > 0
    assert not verdict["significant"]
    low, high = verdict["difference_interval"]
    assert low < 0 < high


def test_a_candidate_that_is_clearly_better_wins() -> None:
    """As good at its task, and half as leaky; of two such, the better."""
    right = hits(0.6)
    selection = chosen_among(
        [
            examination(right, membership(tpr=0.8, fpr=0.2)),
            examination(right, membership(tpr=0.5, fpr=0.2)),
            examination(right, membership(tpr=0.3, fpr=0.2)),
        ],
        examiner("mia"),
        WEIGHTED,
        params(),
    )

    assert selection.winners == (2,)
    assert [selection.verdict_on(index)["significant"] for index in range(3)] == [False, True, True]
    assert selection.verdict_on(0)["difference"] == 0


def test_comparisons_are_paired() -> None:
    """Eight samples more than the same ones is surely better; as many, but others, is not."""
    same = hits(0.6)
    better = same.copy()
    better[np.flatnonzero(same == 0)[:8]] = 1
    result = membership(tpr=0.5, fpr=0.2)
    unpaired = np.random.default_rng(5).permutation(better)
    found = [
        chosen_among(
            [examination(same, result), examination(other, result)],
            examiner("mia"),
            WEIGHTED,
            params(),
        )
        for other in (better, unpaired)
    ]

    assert [selection.winners for selection in found] == [(1,), (0,)]
    differences = [selection.verdict_on(1)["difference"] for selection in found]
    assert differences[0] == pytest.approx(differences[1])


@pytest.mark.parametrize("bound", ["careful", "estimate"])
def test_an_attack_counts_with_the_end_of_its_interval_that_is_asked_for(bound: str) -> None:
    """The upper one of advantage and accuracy, or the estimates as the papers do."""
    result = membership(tpr=0.5, fpr=0.2)
    selection = chosen_among(
        [examination(hits(0.6), result)], examiner("mia"), WEIGHTED, params(bound=bound)
    )
    is_careful = bound == "careful"

    objectives = selection.objectives

    wanted = result.advantage.high if is_careful else result.advantage.value
    assert objectives.advantage.tolist() == [[wanted]]
    accuracy = result.accuracy.high if is_careful else result.accuracy.value
    assert objectives.attack_accuracy.tolist() == [[accuracy]]
    assert selection.verdict_on(0)["objectives"] == {
        "performance": pytest.approx(0.6),
        "mia": wanted,
    }


def test_replicates_centre_on_what_was_found() -> None:
    """Performance on non-members, advantage and balanced accuracy: each the mean over draws."""
    result = membership(tpr=0.7, fpr=0.1)
    selection = chosen_among([examination(hits(0.4), result)], examiner("mia"), WEIGHTED, params())
    replicates = selection._replicates

    assert replicates.performance.shape == (400, 1)
    assert replicates.advantage.shape == replicates.attack_accuracy.shape == (400, 1, 1)
    assert replicates.performance.mean() == pytest.approx(0.4, abs=0.01)
    assert replicates.advantage.mean() == pytest.approx(0.6, abs=0.01)
    assert replicates.attack_accuracy.mean() == pytest.approx(0.8, abs=0.01)


@pytest.mark.parametrize(
    "make", [lambda: WEIGHTED, lambda: Pareto(ParetoParams()), lambda: TmScore(TmScoreParams())]
)
def test_without_attacks_candidates_differ_by_their_performance(make: Callable[[], Any]) -> None:
    """Nothing to defend against is no reason to break."""
    better = hits(0.5)
    better[np.flatnonzero(better == 0)[:30]] = 1
    selection = chosen_among(
        [examination(hits(0.5)), examination(better)], examiner(), make(), params()
    )

    assert selection.winners == (1,)
    assert list(selection.spread()) == ["performance"]


def test_a_beam_keeps_what_covers_most_the_best_liked_first() -> None:
    """Both ends of the front stay, though neither is significantly better than the first."""
    selection = chosen_among(
        [
            examination(hits(0.50), membership(tpr=0.6, fpr=0.2)),
            examination(hits(0.70), membership(tpr=0.8, fpr=0.2)),
            examination(hits(0.30), membership(tpr=0.2, fpr=0.2)),
            examination(hits(0.29), membership(tpr=0.8, fpr=0.2)),
        ],
        examiner("mia"),
        WEIGHTED,
        params(),
        keeps=3,
        keeps_variety=True,
    )
    utilities = [selection.verdict_on(index)["utility"] for index in range(4)]

    winners = selection.winners

    assert set(winners) == {0, 1, 2}
    assert [utilities[index] for index in winners] == sorted(
        (utilities[index] for index in winners), reverse=True
    )


def test_win_shares_are_recorded_where_weights_are_uncertain() -> None:
    """By objectives of the attacks' ids; null for a rule without draws."""
    risks = {"membership": {"severity": {"low": 0, "high": 1}}, "b": {"severity": 4}}
    evaluations = [
        Evaluation(
            performance=hits(0.5),
            results={"a": membership(tpr=first, fpr=0.2), "b": membership(tpr=0.9, fpr=0.2)},
            outperformed={},
        )
        for first in (0.9, 0.5)
    ]

    def shares(aggregator: Any) -> list[Any]:
        selection = chosen_among(evaluations, examiner("a", "b"), aggregator, params())
        return [selection.verdict_on(index)["win_share"] for index in range(2)]

    assert shares(Severity(SeverityParams.model_validate({"attacks": risks}))) == [0.0, 1.0]
    assert shares(WEIGHTED) == [None, None]


def test_the_spread_of_candidates_stands_beside_the_noise_of_the_test() -> None:
    """Equal candidates cannot be told apart; very different ones can."""
    one, other = membership(tpr=0.5, fpr=0.2), membership(tpr=0.1, fpr=0.2, seed=1)
    alike = chosen_among(
        [examination(hits(0.6), one), examination(hits(0.6, seed=1), one)],
        examiner("mia"),
        WEIGHTED,
        params(),
    ).spread()
    apart = chosen_among(
        [examination(hits(0.6), one), examination(hits(0.6), other)],
        examiner("mia"),
        WEIGHTED,
        params(),
    ).spread()

    assert alike["performance"]["spread"] == pytest.approx(0)
    assert alike["performance"]["noise"] > 0.02
    assert not alike["performance"]["tells_apart"]
    assert apart["mia"]["tells_apart"]
    assert apart["performance"] == {"spread": 0.0, "noise": 0.0, "tells_apart": False}


def test_lineages_of_a_race_are_ranked_as_equals() -> None:
    """None is the incumbent: the safest of three wins, and the worst in everything leaves at once.

    The second is only as safe as chance makes the first one, so it goes on by its task.
    """
    selection = chosen_among(
        [
            examination(hits(0.40), membership(tpr=0.9, fpr=0.1)),
            examination(hits(0.62), membership(tpr=0.6, fpr=0.2, seed=1)),
            examination(hits(0.60), membership(tpr=0.3, fpr=0.2, seed=2)),
        ],
        examiner("mia"),
        WEIGHTED,
        params(),
        keeps=2,
        has_incumbent=False,
        costs=[0.1, 0.1, 0.1],
    )

    assert selection.winners == (2, 1)
    assert selection.departure(0, ["a", "b", "c"]) == {
        "reason": "dominated",
        "by": "c",
        "decided_by": "utility",
    }
    assert selection.departure(1, ["a", "b", "c"]) is None


def test_a_lineage_that_no_survivor_beats_leaves_by_the_whole_field() -> None:
    """Steps of .06 in leak are noise, .12 is not: 0 beats 1, 1 beats 2 by the task, 2 beats 0.

    The third has the largest margin, so it stays, and the second has won against it.
    """
    selection = chosen_among(
        [
            examination(hits(0.62), membership(tpr=0.60, fpr=0.2)),
            examination(hits(0.61), membership(tpr=0.54, fpr=0.2, seed=1)),
            examination(hits(0.60), membership(tpr=0.48, fpr=0.2, seed=2)),
        ],
        examiner("mia"),
        WEIGHTED,
        params(),
        keeps=1,
        has_incumbent=False,
        costs=[0.1, 0.1, 0.1],
    )

    departures = [selection.departure(index, ["a", "b", "c"]) for index in range(3)]

    assert departures == [
        {"reason": "outranked", "by": "c", "decided_by": "utility"},
        {"reason": "outranked", "by": "c", "decided_by": "field"},
        None,
    ]


def test_the_auc_counts_for_membership_or_the_advantage_at_a_threshold() -> None:
    """Scores of two values have one threshold: both are TPR − FPR; their intervals differ."""
    found = {
        statistic: chosen_among(
            [examination(hits(0.6), membership(tpr=0.7, fpr=0.2))],
            examiner("mia"),
            WEIGHTED,
            params(statistic=statistic, bound="estimate"),
        ).objectives
        for statistic in ("auc", "advantage")
    }

    assert found["auc"].advantage == pytest.approx(0.5)
    assert found["advantage"].advantage == pytest.approx(0.5)
    assert found["auc"].attack_accuracy == pytest.approx(0.75)
