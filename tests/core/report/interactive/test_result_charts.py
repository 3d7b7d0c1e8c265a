"""Charts of results: every measure can be chosen, and rows are the readings themselves."""

from typing import Any

from safecompress_core.report.figures.attack_readings import attack_readings
from safecompress_core.report.figures.candidate_models import candidate_models, measure_titles
from safecompress_core.report.interactive.result_charts import (
    attack_chart,
    candidate_chart,
    course_chart,
)
from tests.core.fixtures.page_results import page_results
from tests.core.fixtures.records import typed


def test_attacks_have_a_choice_of_all_measures_and_begin_with_the_advantage() -> None:
    """A share has the axis from 0 to 1, so that no small difference looks large."""
    chart = attack_chart(attack_readings(typed(page_results())))
    [control] = chart.controls
    options = {option.label: option for option in control.options}

    assert control.options[control.chosen].where == {"measure": "advantage"}
    scale = {label: one.patch["encoding"]["x"]["scale"] for label, one in options.items()}
    assert scale["advantage"] == scale["TPR at 10 % FPR"] == {"domain": [0, 1]}


def test_readings_are_rows(results: dict[str, Any]) -> None:
    """Of every measure; a measure that may be negative has an axis of its own."""
    chart = attack_chart(attack_readings(typed(results)))
    [control] = chart.controls
    patches = {option.label: option.patch for option in control.options}

    chosen = [row for row in chart.rows if row["measure"] == "advantage"]

    assert {(row["attack"], row["model"], row["value"]) for row in chosen} >= {
        ("loss", "uncompressed", 0.3),
        ("loss", "compressed", 0.2),
    }
    assert patches["lift over the guess"]["encoding"]["x"]["scale"] == {"zero": False}


def test_candidate_models_have_all_measures_on_both_axes(results: dict[str, Any]) -> None:
    """A choice of one axis leaves the other as it is, and is read of each row."""
    results = typed(results)
    titles = measure_titles(results)
    chart = candidate_chart(candidate_models(results), titles, attack="net")
    up, right = chart.controls

    assert [option.label for option in up.options] == list(titles.values())
    assert up.options[up.chosen].label == "accuracy"
    assert right.options[right.chosen].label == titles["net"]
    for axis, control in (("y", up), ("x", right)):
        for option in control.options:
            [(changed, patch)] = option.patch["encoding"].items()
            assert changed == axis
            assert [column.key for column in option.columns] == [patch["field"]]
            assert all(patch["field"] in row for row in chart.rows)


def test_what_became_of_a_model_is_its_colour(results: dict[str, Any]) -> None:
    """Only what occurs is in the legend."""
    results = typed(results)
    models, titles = candidate_models(results), measure_titles(results)

    chart = candidate_chart(models, titles, attack="net")

    final = {model.id for model in models if model.is_final}
    assert {row["model"] for row in chart.rows if row["status"] == "the chosen model"} == final
    scale = chart.spec["encoding"]["color"]["scale"]
    assert set(scale["domain"]) == {row["status"] for row in chart.rows}


def test_the_course_has_the_round_to_the_right(results: dict[str, Any]) -> None:
    """And any measure upwards."""
    results = typed(results)
    titles = measure_titles(results)

    chart = course_chart(candidate_models(results), titles)

    assert chart.spec["encoding"]["x"]["field"] == "round"
    assert len(chart.controls[0].options) == len(titles)
    assert [row["round"] for row in chart.rows] == [1, 1, 2, 2]
