"""Chart as JSON: its rows have keys, its choices are kept, and its colours are the page's."""

from safecompress_core.report.figures.svg import Color
from safecompress_core.report.interactive.chart import (
    Chart,
    Column,
    Control,
    Option,
    color_scale,
    focus_ring,
)


def test_rows_are_numbered_and_the_specification_is_complete() -> None:
    """Width, configuration and the parameter of the row that is read are the same for all."""
    chart = Chart(
        id="c", title="C", spec={"mark": "point"}, rows=[{"x": 1}, {"x": 2}],
        columns=(Column(key="x", title="x"),),
    )  # fmt: skip

    document = chart.to_json()

    assert document["rows"] == [{"key": 0, "x": 1}, {"key": 1, "x": 2}]
    assert document["columns"] == [{"key": "x", "title": "x"}]
    assert document["spec"]["mark"] == "point"
    assert document["spec"]["width"] == "container"
    assert document["spec"]["params"] == [{"name": "focus", "value": -1}]


def test_a_control_whose_options_change_nothing_is_left_out() -> None:
    """A single attack is still named: its option selects rows."""
    chart = Chart(
        id="c",
        title="C",
        spec={},
        rows=[],
        columns=(),
        controls=(
            Control(label="Attack", options=(Option(label="loss", where={"attack": "loss"}),)),
            Control(label="None", options=(Option(label="as it is"),)),
        ),
    )

    assert [control["label"] for control in chart.to_json()["controls"]] == ["Attack"]


def test_colours_are_variables_of_the_page() -> None:
    """So that one chart is right in light and in dark."""
    assert color_scale({"before": Color.BEFORE}) == {
        "domain": ["before"],
        "range": ["var(--ink-before)"],
    }
    assert focus_ring()["encoding"]["color"] == {"value": "var(--ink-text)"}
