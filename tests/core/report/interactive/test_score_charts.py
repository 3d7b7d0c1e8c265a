"""Charts of single records: the rows are those of the static figures."""

from typing import Any

import pytest

from safecompress_core.report.figures.score_data import ScoreFigures, score_figures
from safecompress_core.report.interactive.chart import Chart
from safecompress_core.report.interactive.score_charts import score_charts
from tests.core.fixtures.record_scores import attribute_scores, membership_scores
from tests.core.fixtures.records import typed


@pytest.fixture
def figures(results: dict[str, Any]) -> ScoreFigures:
    """Two attacks on membership on both models, one on an attribute, and two groups."""
    scored = [
        membership_scores(attack=attack, model=model)
        for attack in ("loss", "entropy")
        for model in ("uncompressed", "compressed")
    ]
    group = {"by": "label", "kind": "label", "members": 9, "risk": 0.6, "exposed": 1}
    results["records"] = {
        "file": "scores.parquet",
        "attack": "loss",
        "min_risk": 0.9,
        "exposed": [],
        "max_fpr": None,
        "overlap": [],
        "groups": [group | {"value": name, "risk_interval": [0.5, 0.7]} for name in "ab"],
    }
    guesses = attribute_scores(["m", "f"], ["f", "f"])
    return score_figures(typed(results), [*scored, guesses])


@pytest.fixture
def charts(figures: ScoreFigures) -> dict[str, Chart]:
    """All charts by their places in the page."""
    return {chart.id: chart for chart in score_charts(figures, strongest="entropy")}


def labels(chart: Chart) -> list[tuple[str, list[str], int]]:
    """Return each control with its options and the chosen one."""
    return [
        (control.label, [option.label for option in control.options], control.chosen)
        for control in chart.controls
    ]


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

    assert labels(chart) == [
        ("Attack", ["loss", "entropy"], 1),
        ("Axes", ["logarithmic", "linear"], 0),
    ]
    assert [(row["fpr"], row["tpr"]) for row in rows] == list(zip(line.fpr, line.tpr, strict=True))
    assert min(min(row["x"], row["y"]) for row in chart.rows) == pytest.approx(line.floor)
    assert all(row.get("silent") for row in chart.rows if row["kind"] != "curve")


def test_histograms_and_risks_begin_with_the_compressed_model(charts: dict[str, Chart]) -> None:
    """The uncompressed one is the other choice."""
    for name in ("scores-live", "risk-live"):
        assert ("Model", ["compressed", "uncompressed"], 0) in labels(charts[name])


def test_risks_are_read_with_the_position_in_the_data(
    charts: dict[str, Chart], figures: ScoreFigures
) -> None:
    """And drawn with the line from which a member counts as exposed."""
    chart = charts["risk-live"]
    first = figures.risks[0].members[0]

    row = chart.rows[0]

    assert (row["position"], row["label"], row["risk"]) == (
        first.position,
        first.label,
        first.risk,
    )
    bounds = [layer for layer in chart.spec["layer"] if "data" in layer]
    assert [layer["data"]["values"][0]["bound"] for layer in bounds] == [0.9]


def test_confusions_are_shares_of_each_true_value(charts: dict[str, Chart]) -> None:
    """Both records of value f are inferred as f."""
    cells = {(row["true"], row["guess"]): row for row in charts["confusion-live"].rows}

    assert (cells["f", "f"]["count"], cells["f", "f"]["share"]) == (1, 1.0)
    assert (cells["m", "f"]["count"], cells["m", "m"]["share"]) == (1, 0.0)


def test_without_scores_there_are_no_charts() -> None:
    """Results of before have none."""
    assert list(score_charts(ScoreFigures(), strongest=None)) == []
