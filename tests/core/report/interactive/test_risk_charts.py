"""Charts of risk: the rows are those of the static figures."""

from safecompress_core.report.figures.score_data import ScoreFigures
from safecompress_core.report.interactive.chart import Chart


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


def test_groups_are_chosen_by_what_they_are_of(charts: dict[str, Chart]) -> None:
    """Each choice shows its groups alone, and as many rows."""
    chart = charts["groups-live"]

    (control,) = chart.controls

    assert [(one.label, one.where) for one in control.options] == [("label", {"by": "label"})]
    assert [(row["value"], row["low"], row["high"]) for row in chart.rows] == [
        ("a", 0.5, 0.7),
        ("b", 0.5, 0.7),
    ]
