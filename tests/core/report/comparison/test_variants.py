"""A comparison as a table, and its verdict."""

import re
from typing import Any

import pytest

from safecompress_core.report.comparison.variants import comparison_verdict, legend, variant_table
from safecompress_core.report.comparison.variants_page import render
from tests.core.fixtures.comparisons import over_seeds, typed


def test_columns_that_nothing_measured_are_left_out(comparison: dict[str, Any]) -> None:
    """As are those that there is no room for."""
    assert variant_table(typed(comparison)).columns == ("accuracy", "TM", "bytes", "seconds")
    assert variant_table(typed(comparison), without=("bytes",)).columns == (
        *("accuracy", "TM", "seconds"),
    )


def test_a_figure_has_half_of_its_interval_and_says_whether_it_leads(
    comparison: dict[str, Any],
) -> None:
    """If all seeds agree there is no interval."""
    first, second, third = variant_table(typed(comparison)).rows

    assert (third.figures[0].value, third.figures[0].reach) == ("0.450", "±0.020")
    assert third.figures[0].is_best
    assert not second.figures[0].is_best
    assert (third.figures[2].value, third.figures[2].reach) == ("29,624", "")
    assert (first.density, second.density, third.times) == ("", "0.05", "2.0×")


def test_a_row_says_how_much_of_the_whole_model_is_kept(comparison: dict[str, Any]) -> None:
    """If under half of the parameters may be sparse: 0.05 of them may be 0.69 of all."""
    comparison["variants"][1] |= {
        "sparsifiable": 0.33,
        "model_density": over_seeds(0.687, 0.687).to_json(),
    }

    assert variant_table(typed(comparison)).rows[1].density == "0.05 (0.687 of all)"


def test_one_seed_promises_nothing(comparison: dict[str, Any]) -> None:
    """The legend of the table states it."""
    comparison["seeds"] = [1]

    assert any(
        sentence.startswith("One seed: nothing here") for sentence in legend(typed(comparison))
    )


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        ([{"PASSED": 2}, {"PASSED": 2}], "PASSED: all 4 runs meet every gate."),
        ([{"PASSED": 2}, {"FAILED": 1, "PASSED": 1}], "FAILED: 1 of 4 runs miss a gate."),
        (
            [{"FAILED": 2}, {"VOID": 1, "PASSED": 1}],
            "VOID: in 1 of 4 runs a control failed; they prove nothing.",
        ),
        (
            [{"NO GATES": 2}, {"NO GATES": 2}],
            "NO GATES: the specs set none, so there is nothing to pass or to fail.",
        ),
    ],
)
def test_the_worst_verdict_of_a_run_is_the_comparison_s(
    comparison: dict[str, Any], verdicts: list[dict[str, int]], said: str
) -> None:
    """The page leads with it, and its table has each variant's."""
    for row_, counts in zip(comparison["variants"][1:], verdicts, strict=True):
        row_["verdicts"] = counts

    page = render(typed(comparison))

    assert comparison_verdict(typed(comparison)).text == said
    word, _, rest = said.partition(": ")
    assert page.index(f">{word}</span>") < page.index(rest) < page.index("Side by side")
    assert ("Best by TM-score" in page) == (word != "VOID")
    shown = re.findall(r'data-label="verdict">(.*?)</td>', page)
    assert shown[0] == ""
    assert [one.count(word) for one in shown[1:]] == [int(word in one) for one in verdicts]


def test_a_comparison_with_budgets_states_costs(comparison: dict[str, Any]) -> None:
    """In the name, in columns and in the legend, with the variants that take no budget."""
    for row in comparison["variants"]:
        row |= {
            "trainings": over_seeds(6.0, 6.0).to_json(),
            "steps": over_seeds(4500.0, 4500.0).to_json(),
            "cpu_seconds": over_seeds(3.0, 3.0).to_json(),
        }
    comparison["variants"][2]["budget"] = 6
    comparison |= {"budgets": [6], "notes": ["prune_fast takes no budget: it costs 1 training"]}

    table = variant_table(typed(comparison))
    text = " ".join(legend(typed(comparison)))

    assert table.columns[2:] == ("bytes", "trainings", "steps", "seconds", "CPU s")
    assert table.rows[2].name == "test-driven (budget 6)"
    assert [figure.value for figure in table.rows[2].figures[3:5]] == ["6.000", "4,500"]
    assert "Trainings: the cost of a variant" in text
    assert "prune_fast takes no budget: it costs 1 training." in text
