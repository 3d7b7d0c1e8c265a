"""The figures of a comparison."""

from typing import Any

from safecompress_core.report.comparison.variants_figures import learning, trade_offs
from safecompress_core.report.comparison.variants_page import render
from tests.core.fixtures.comparisons import over_seeds, row, typed


def test_a_single_round_is_no_course(comparison: dict[str, Any]) -> None:
    """There is nothing to follow."""
    for course in comparison["courses"]:
        course["rounds"] = course["rounds"][:1]

    assert learning(typed(comparison)) == []
    assert 'id="learning"' not in render(typed(comparison))


def test_a_course_is_a_line_for_each_seed(comparison: dict[str, Any]) -> None:
    """Of performance and of advantage, with both ends in words."""
    comparison["courses"][1]["rounds"][1]["performance"] = 0.9

    performance, advantage = learning(typed(comparison))

    assert performance.caption == advantage.caption == "test-driven density 0.05"
    assert "by seed: 0.400 to 0.500, 0.400 to 0.900." in str(performance.svg)
    assert "by seed: 0.300 to 0.300, 0.300 to 0.300." in str(advantage.svg)


def test_rounds_without_attacks_have_a_course_of_performance_alone(
    comparison: dict[str, Any],
) -> None:
    """There is no advantage to draw."""
    comparison["courses"][0]["rounds"][1]["advantage"] = None

    assert [figure.note for figure in learning(typed(comparison))] == ["task accuracy"]


def test_each_density_and_game_has_a_trade_off(comparison: dict[str, Any]) -> None:
    """The uncompressed model is in each; a game without figures at a density has none there."""
    other = row("prune_more", 0.3, density=0.01, advantage={"attribute": over_seeds(0.1, 0.1)})
    comparison["variants"].append(other.to_json())

    figures = trade_offs(typed(comparison))

    assert [(figure.caption, figure.note) for figure in figures] == [
        ("density 0.05", "membership"),
        ("density 0.01", "membership"),
        ("density 0.01", "attribute"),
    ]
    assert "variant 1: accuracy 0.500, advantage 0.200; variant 2:" in str(figures[0].svg)
    assert "variant 4" not in str(figures[0].svg)
    assert "variant 4: accuracy 0.300, advantage 0.100" in str(figures[2].svg)


def test_each_budget_has_a_course_of_its_own(comparison: dict[str, Any]) -> None:
    """Seeds of one budget share a panel."""
    comparison["courses"][0]["budget"] = 6

    captions = {figure.caption for figure in learning(typed(comparison))}

    assert captions == {"test-driven (budget 6) density 0.05", "test-driven density 0.05"}
