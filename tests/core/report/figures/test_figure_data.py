"""Data of a report's figures."""

from typing import Any

from safecompress_core.report.figures.figure_data import (
    forests,
    learning_figures,
    noises,
    trade_offs,
)
from tests.core.fixtures.records import typed
from tests.core.fixtures.results import race_results


def test_each_attack_is_drawn_on_every_model_that_was_audited(results: dict[str, Any]) -> None:
    """Both models, and both ends of the archive by their roles."""
    figures = forests(typed(results))

    assert [figure.caption for figure in figures] == ["loss", "entropy", "probe"]
    for label in ("uncompressed", "compressed", "best at task", "safest"):
        assert label in str(figures[0].svg)
    assert "0.300" in str(figures[0].svg)


def test_candidates_are_drawn_against_each_attack_that_tested_them(
    results: dict[str, Any],
) -> None:
    """With what the attack plays and sees; without rounds there is nothing to draw."""
    figures = trade_offs(typed(results))

    assert [(one.caption, one.note) for one in figures] == [
        ("net", "membership, black-box"),
        ("reader", "membership, black-box"),
    ]
    assert trade_offs(typed(results | {"rounds": []})) == []


def test_objectives_are_followed_over_the_rounds(results: dict[str, Any]) -> None:
    """The task's goes up, those of attacks go down."""
    figures = learning_figures(typed(results))

    assert [(one.caption, one.note) for one in figures] == [
        ("accuracy", "higher is better"),
        ("net", "2·AUC − 1, lower is better"),
        ("reader", "2·AUC − 1, lower is better"),
    ]
    assert learning_figures(typed(results | {"rounds": []})) == []


def test_noise_counts_the_rounds_that_told_nothing_apart(results: dict[str, Any]) -> None:
    """By hand: accuracy in neither round, one attack in both, the other in the first."""
    notes = {one.caption: one.note for one in noises(typed(results))}

    assert notes == {
        "accuracy": "not distinguished in 2 of 2 rounds",
        "net": "always distinguished",
        "reader": "not distinguished in 1 of 2 rounds",
    }


def test_a_race_draws_its_lineages() -> None:
    """One line each; trade-offs mark the way of the chosen one, in words for models."""
    accuracy, net = learning_figures(race_results())

    assert "accuracy of each lineage over the rounds" in accuracy.svg
    assert "lineage 2, chosen, from round 1 to 3: 0.350, 0.380, 0.400" in accuracy.svg
    assert net.note == "2·AUC − 1, lower is better"
    assert "7 models of 3 rounds" in trade_offs(race_results())[0].svg
