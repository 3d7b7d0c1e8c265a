"""Models that a run has tested, with every measure of theirs."""

from typing import Any

from safecompress_core.report.figures.candidate_models import (
    candidate_models,
    measure_titles,
    rounds_with_best,
)
from tests.core.fixtures.records import typed
from tests.core.fixtures.results import race_results


def test_each_candidate_is_there_with_its_measures(results: dict[str, Any]) -> None:
    """Objectives, density, utility, and every measure of its attacks."""
    models = candidate_models(typed(results))

    assert [model.id for model in models] == ["r1c1", "r1c2", "r2c1", "r2c2"]
    measures = models[0].measures
    assert (measures["performance"], measures["net"]) == (0.4, 0.3)
    assert measures["net.advantage"] == 0.3
    assert {"density", "utility"} <= set(measures)


def test_one_model_a_round_went_on_and_one_is_the_runs(results: dict[str, Any]) -> None:
    """The archive's chosen one; all of the archive are on the front."""
    models = candidate_models(typed(results))
    archive = {one["id"]: one["chosen"] for one in results["archive"]}

    assert [model.id for model in models if model.is_chosen] == ["r1c1", "r2c2"]
    assert {model.id for model in models if model.on_front} == archive.keys() & {
        model.id for model in models
    }
    assert all(model.is_final == archive.get(model.id, False) for model in models)


def test_titles_are_of_measures_that_all_models_have(results: dict[str, Any]) -> None:
    """One that a single model lacks could be no axis; objectives say what counts."""
    del results["rounds"][0]["candidates"][0]["attacks"]["reader"]
    titles = measure_titles(typed(results))

    assert titles["performance"] == "accuracy"
    assert titles["net"].startswith("net: ")
    assert titles["net.advantage"] == "net: advantage"
    assert "reader.advantage" not in titles


def test_a_race_goes_on_with_the_lineage_that_the_run_chose() -> None:
    """Though another one of the round had a higher utility."""
    results = race_results()
    lineages = {best.lineage for _, best in rounds_with_best(results)}

    assert len(lineages) == 1


def test_a_method_without_rounds_has_tested_nothing(results: dict[str, Any]) -> None:
    """There are no measures either."""
    results |= {"rounds": [], "archive": []}

    assert candidate_models(typed(results)) == ()
    assert measure_titles(typed(results)) == {}
