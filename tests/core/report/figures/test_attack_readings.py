"""Readings of the audit's attacks on every audited model."""

from typing import Any

from safecompress_core.report.figures.attack_readings import attack_readings, audited_models
from safecompress_core.report.figures.svg import Color
from tests.core.fixtures.page_results import page_results
from tests.core.fixtures.records import typed


def test_models_are_both_and_the_other_ends_of_the_archive(results: dict[str, Any]) -> None:
    """The chosen one once, with its id in the archive."""
    models = list(audited_models(typed(results)))

    assert [model.label for model in models[:2]] == ["uncompressed", "compressed"]
    assert [model.color for model in models[:2]] == [Color.BEFORE, Color.AFTER]
    assert {model.color for model in models[2:]} == {Color.FRONT}
    chosen = next(one["id"] for one in results["archive"] if one["chosen"])
    assert models[1].id == chosen
    assert chosen not in {model.id for model in models[2:]}


def test_every_measure_with_an_interval_is_a_reading(results: dict[str, Any]) -> None:
    """With its title and direction; one that an attack lacks is no reading."""
    readings = attack_readings(typed(results))
    found = {(one.attack, one.measure): one for one in readings if one.model == "compressed"}

    advantage = found["loss", "advantage"]
    assert (advantage.value, advantage.low, advantage.high) == (0.2, 0.1, 0.3)
    assert found["probe", "lift"].title == "lift over the guess"
    assert ("loss", "lift") not in found
    assert not advantage.is_safer


def test_rates_that_the_pool_resolves_are_readings() -> None:
    """Those that it cannot are left out."""
    readings = attack_readings(typed(page_results()))

    titles = {one.measure: one.title for one in readings if one.measure.startswith("tpr@")}
    assert titles == {"tpr@0.1": "TPR at 10 % FPR"}
