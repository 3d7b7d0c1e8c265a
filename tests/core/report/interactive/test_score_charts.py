"""Charts of scores: the rows are those of the static figures."""

import pytest

from safecompress_core.report.figures.score_data import ScoreFigures
from safecompress_core.report.interactive.chart import Chart
from safecompress_core.report.interactive.score_charts import score_charts


def test_there_is_a_chart_of_everything_that_is_drawn(charts: dict[str, Chart]) -> None:
    """In the order of the page."""
    assert list(charts) == [
        "roc-live", "scores-live", "risk-live", "groups-live", "confusion-live",
    ]  # fmt: skip


def test_curves_begin_with_the_strongest_attack_on_logarithmic_axes(
    charts: dict[str, Chart], figures: ScoreFigures
) -> None:
    """Points are those of the static curve; what is drawn is above 0, what is read is not."""
    chart = charts["roc-live"]
    line = figures.roc[0]

    rows = [
        row
        for row in chart.rows
        if row["kind"] == "curve" and (row["attack"], row["model"]) == (line.attack, line.model)
    ]

    assert [
        (control.label, [one.label for one in control.options], control.chosen)
        for control in chart.controls
    ] == [
        ("Attack", ["loss", "entropy"], 1),
        ("Axes", ["logarithmic", "linear"], 0),
    ]
    assert [(row["fpr"], row["tpr"]) for row in rows] == list(zip(line.fpr, line.tpr, strict=True))
    assert min(min(row["x"], row["y"]) for row in chart.rows) == pytest.approx(line.floor)
    assert all(row.get("silent") for row in chart.rows if row["kind"] != "curve")


def test_without_scores_there_are_no_charts() -> None:
    """Results of before have none."""
    assert list(score_charts(ScoreFigures(), strongest=None)) == []
