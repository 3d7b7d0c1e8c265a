"""Figures of single records, held against scikit-learn and numpy."""

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, roc_curve

from safecompress_core.report.figures.score_data import ScoreFigures, score_figures
from safecompress_core.report.figures.svg import Color
from safecompress_core.results.score_file import ScoredRecords
from safecompress_core.stats.low_fpr import tpr_interval
from tests.core.fixtures.record_scores import attribute_scores, membership_scores
from tests.core.fixtures.records import typed


@pytest.fixture
def figures(results: dict[str, Any]) -> ScoreFigures:
    """Figures of one attack on membership on both models, and of one on an attribute."""
    scored = [
        membership_scores(model="uncompressed", distance=2.0),
        membership_scores(),
        attribute_scores(["m", "f", "f", "x"], ["m", "m", "f", "f"]),
    ]
    return score_figures(typed(results), scored)


def test_a_small_pool_has_every_point_of_scikit_learns_curve(figures: ScoreFigures) -> None:
    """From (0, 0) to (1, 1), in the colours of the models."""
    scored = membership_scores()
    fpr, tpr, _ = roc_curve(scored.member, scored.score, drop_intermediate=False)

    before, after = figures.roc

    assert (before.model, before.color) == ("uncompressed", Color.BEFORE)
    assert (after.model, after.color) == ("compressed", Color.AFTER)
    assert after.fpr == pytest.approx(fpr.tolist())
    assert after.tpr == pytest.approx(tpr.tolist())
    assert after.floor == pytest.approx(0.5 / 60)


def test_a_large_pool_has_fewer_points_all_of_them_of_the_curve(results: dict[str, Any]) -> None:
    """Enough of them on either axis: each rate of a limit is that of the whole curve."""
    scored = membership_scores(members=3000, non_members=5000)
    fpr, tpr, _ = roc_curve(scored.member, scored.score, drop_intermediate=False)

    [line] = score_figures(typed(results), [scored]).roc

    assert len(line.fpr) < 700
    assert set(zip(line.fpr, line.tpr, strict=True)) <= set(zip(fpr, tpr, strict=True))
    for limit in (0.001, 0.01, 0.1, 0.5):
        shown = max(rate for false, rate in zip(line.fpr, line.tpr, strict=True) if false <= limit)
        assert shown == pytest.approx(tpr[fpr <= limit].max(), abs=0.02)


def test_the_band_is_the_audits_own_interval_where_the_pool_resolves_it(
    figures: ScoreFigures,
) -> None:
    """It begins at ten of 90 non-members and ends at (1, 1)."""
    _, after = figures.roc
    scored = membership_scores()

    first, middle, last = after.band[0], after.band[10], after.band[-1]

    assert first.fpr == pytest.approx(10 / 90)
    own = tpr_interval(scored.score, scored.member, max_fpr=middle.fpr)
    assert (middle.low, middle.high) == own.interval
    assert (last.fpr, last.low, last.high) == (1.0, 1.0, 1.0)


def test_a_pool_that_resolves_no_rate_has_no_band(results: dict[str, Any]) -> None:
    """Nine non-members leave no ten false positives."""
    [line] = score_figures(typed(results), [membership_scores(non_members=9)]).roc

    assert line.band == ()


def test_histograms_are_shares_of_either_side_in_common_bins(figures: ScoreFigures) -> None:
    """As numpy counts them, with the tails in the outermost bins, so each side sums to 1."""
    scored = membership_scores()
    _, found = figures.histograms
    edges = [found.bins[0].low, *(one.high for one in found.bins)]

    inside = np.clip(scored.score, edges[0], edges[-1])
    counts, _ = np.histogram(inside[scored.member], edges)

    assert [one.members for one in found.bins] == pytest.approx((counts / 60).tolist())
    assert sum(one.non_members for one in found.bins) == pytest.approx(1)


@pytest.mark.parametrize("score", [0.0, -np.inf])
def test_scores_without_a_spread_have_one_bin_that_counts(
    results: dict[str, Any], score: float
) -> None:
    """All alike, or all infinite: a model that is sure of everything."""
    scored = membership_scores(score=np.full(150, score))

    [found] = score_figures(typed(results), [scored]).histograms

    assert [one.members for one in found.bins if one.members] == [1.0]


def test_a_threshold_is_that_of_the_results_if_it_is_in_sight(results: dict[str, Any]) -> None:
    """One beyond all scores would stretch the axis."""
    thresholds = []
    for threshold in (0.5, 1e9):
        results["audit"]["loss"]["threshold"] = threshold
        [found] = score_figures(typed(results), [membership_scores()]).histograms
        thresholds.append(found.threshold)

    assert thresholds == [0.5, None]


def test_members_come_by_risk_the_most_exposed_first(figures: ScoreFigures) -> None:
    """With their positions in the data, and no non-member among them."""
    scored = membership_scores()
    _, found = figures.risks
    risks = [one.risk for one in found.members]

    assert found.count == len(risks) == 60
    assert risks == sorted(scored.risk[scored.member].tolist(), reverse=True)
    assert {one.position for one in found.members} == set(scored.position[scored.member].tolist())
    assert found.members[0].low is None


def test_of_many_members_the_most_exposed_are_all_shown(results: dict[str, Any]) -> None:
    """And of the others every so many, down to the last."""
    [found] = score_figures(typed(results), [membership_scores(members=5000)]).risks

    places = [one.place for one in found.members]
    assert places[:200] == list(range(1, 201))
    assert places[-1] == found.count == 5000
    assert len(places) <= 600


def test_confusion_counts_are_those_of_scikit_learn(figures: ScoreFigures) -> None:
    """Rows are true values."""
    [found] = figures.confusions
    truth, guess = ["m", "f", "f", "x"], ["m", "m", "f", "f"]

    table = confusion_matrix(truth, guess, labels=list(found.values))

    assert set(found.values) == {"m", "f", "x"}
    assert [list(row) for row in found.counts] == table.tolist()


def test_scores_of_other_models_are_left_out(
    results: dict[str, Any], figures: ScoreFigures
) -> None:
    """Those of the archive have the same attacks, and would be mistaken for the chosen one."""
    others: list[ScoredRecords] = [membership_scores(model="r1c1"), membership_scores(attack="x")]

    assert score_figures(typed(results), others) == ScoreFigures()
    assert score_figures(typed(results), []) == ScoreFigures()
    assert figures != ScoreFigures()
