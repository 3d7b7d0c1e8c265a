"""Static drawings of single records: described for who does not see them, and in page colours."""

from typing import Any

import pytest

from safecompress_core.report.figures.score_data import ScoreFigures, score_figures
from safecompress_core.report.figures.score_drawing import (
    confusion_panel,
    group_panel,
    histogram_panel,
    risk_panel,
    roc_panel,
)
from safecompress_core.report.figures.svg import Color
from safecompress_core.results.schema import GroupRiskRecord
from tests.core.fixtures.record_scores import attribute_scores, membership_scores
from tests.core.fixtures.records import typed


@pytest.fixture
def figures(results: dict[str, Any]) -> ScoreFigures:
    """Data of one attack on both models, and of one on an attribute."""
    scored = [
        membership_scores(model="uncompressed", distance=2.0),
        membership_scores(),
        attribute_scores(["m", "f", "f", "x"], ["m", "m", "f", "f"]),
    ]
    return score_figures(typed(results), scored)


@pytest.mark.parametrize("is_log", [True, False])
def test_a_curve_says_its_rates_at_round_limits(figures: ScoreFigures, *, is_log: bool) -> None:
    """In both models' colours, without a number that logarithms cannot show."""
    panel = roc_panel(figures.roc, name="roc", title="ROC", wide=300, is_log=is_log)

    assert "compressed finds 0.100 at a false-positive rate of 0.01 and" in panel
    assert ("Logarithmic axes" in panel) is is_log
    assert Color.BEFORE.css in panel
    assert Color.AFTER.css in panel
    assert "nan" not in panel


def test_a_histogram_has_both_sides_and_its_ends_in_words(figures: ScoreFigures) -> None:
    """The threshold is named where there is one."""
    panel = histogram_panel(figures.histograms[1], name="h", title="Scores", wide=300)

    assert Color.LEAK.css in panel
    assert Color.OTHER.css in panel
    assert "Distribution of the scores of members and of non-members, from" in panel


def test_risks_have_the_highest_in_words(figures: ScoreFigures) -> None:
    """And a line from which a member counts as exposed."""
    found = figures.risks[1]

    panel = risk_panel(found, name="r", title="Risk", wide=300, min_risk=0.9)

    assert f"60 members; the highest risk is {found.members[0].risk:.3f}." in panel


def test_groups_come_by_risk(figures: ScoreFigures) -> None:
    """The largest ones, each with its interval; long names are cut."""
    groups = [
        GroupRiskRecord(
            by="label",
            kind="label",
            value=name,
            members=members,
            risk=risk,
            risk_interval=(risk - 0.1, risk + 0.1),
            exposed=0,
        )
        for name, members, risk in (("low", 9, 0.4), ("a name of more than 16", 8, 0.7))
    ]

    panel = group_panel(groups, name="g", title="Groups", wide=300)

    assert "a name of more than 16 0.700; low 0.400." in panel
    assert "a name of more …" in panel


def test_a_confusion_says_how_many_are_inferred_correctly(figures: ScoreFigures) -> None:
    """Two of four."""
    panel = confusion_panel(figures.confusions[0], name="c", title="Values", wide=300)

    assert "2 of 4 records are inferred correctly." in panel
