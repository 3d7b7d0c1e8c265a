"""History of a race."""

from typing import Any

import pytest

from safecompress_core.report.race.history import (
    chosen_model,
    cost_of_rounds,
    departures,
    is_field,
    is_race,
    lineages,
    noun_of_lineages,
    noun_of_models,
    rounds_with_choice,
)
from tests.core.fixtures.records import edited
from tests.core.fixtures.results import race_results, run_results, search_results


def test_lineages_are_followed_to_the_round_that_they_left_after() -> None:
    """The chosen one first, then those that left last, with their model of each round."""
    chosen, second, third = lineages(race_results())

    assert [history.number for history in (chosen, second, third)] == [2, 1, 3]
    assert [model.id for model in chosen.models.values()] == ["r1c2", "r2c1", "r3c1"]
    assert (chosen.name, chosen.end, chosen.brief_end) == ("density 0.05", "", "chosen")
    assert (second.last_round, second.last.id) == (2, "r2c2")
    assert (third.last_round, third.last.id) == (1, "r1c3")


def test_a_lineage_left_for_another_one_by_what_decided() -> None:
    """In a sentence for the page, in a few words for a terminal."""
    _, second, third = lineages(race_results())

    assert second.end == (
        "outranked by lineage 2 (r2c1), by accuracy, as no attack distinguishes them"
    )
    assert second.brief_end == "2 (accuracy)"
    assert third.end == "dominated by lineage 2 (r1c2): significantly worse in every objective"
    assert third.brief_end == "2 (dominated)"


def test_a_pruned_trial_has_lost_to_no_single_one() -> None:
    """A pruner compares with all trials before."""
    results = search_results()
    _, outranked, pruned = lineages(results)

    assert noun_of_lineages(results) == "trials"
    assert noun_of_lineages(race_results()) == "lineages"
    assert (pruned.end, pruned.brief_end) == (
        "pruned: its utility was too low at this report",
        "pruned",
    )
    assert outranked.end == "outranked by trial 1 (r2c1), by utility"


@pytest.mark.parametrize(
    ("criterion", "end", "brief"),
    [
        ("utility", "by utility", "2 (utility)"),
        ("cost", "with more weights, all else equal", "2 (weights)"),
        ("index", "all else equal", "2 (order)"),
        ("field", "by the comparisons with the whole field", "2 (whole field)"),
    ],
)
def test_each_criterion_has_its_words(criterion: str, end: str, brief: str) -> None:
    """As in the ranking of a field."""
    results = race_results()
    second = results.rounds[1]
    left = {"reason": "outranked", "by": "r2c1", "decided_by": criterion}
    loser = edited(second.candidates[1], {"left": left})
    rounds = (
        results.rounds[0],
        second.model_copy(update={"candidates": (second.candidates[0], loser)}),
        results.rounds[2],
    )

    history = lineages(results.model_copy(update={"rounds": rounds}))[1]

    assert history.end == f"outranked by lineage 2 (r2c1), {end}"
    assert history.brief_end == brief


def test_of_lineages_that_reach_the_end_the_archive_names_the_chosen_one() -> None:
    """Its utility may be lower: pairs decide. The other one was not the best."""
    results = race_results()
    second = results.rounds[1]
    both = tuple(edited(one, {"chosen": True, "left": None}) for one in second.candidates)
    archive = (results.archive[0].model_copy(update={"id": "r2c2"}),)
    rounds = (results.rounds[0], second.model_copy(update={"candidates": both}))
    run = results.model_copy(update={"rounds": rounds, "archive": archive})

    first, other, _ = lineages(run)

    assert chosen_model(run).id == "r2c2"
    assert (first.number, first.is_chosen) == (1, True)
    assert (other.number, other.end) == (2, "not the best at the end")


def test_a_beam_removes_lineages_without_a_ranking() -> None:
    """They have no record of a departure."""
    results = race_results()
    first = results.rounds[0]
    candidates = (*first.candidates[:2], edited(first.candidates[2], {"left": None}))
    rounds = (first.model_copy(update={"candidates": candidates}), *results.rounds[1:])

    last = lineages(results.model_copy(update={"rounds": rounds}))[-1]

    assert (last.end, last.brief_end) == ("not in the beam", "not in the beam")


def test_costs_are_of_all_rounds() -> None:
    """1 + 0.75 + 0.25."""
    assert cost_of_rounds(race_results()) == 2


def test_departures_are_those_of_the_race() -> None:
    """A candidate that was not chosen is none."""
    assert [left.reason for left in departures(race_results())] == ["outranked", "dominated"]


def test_a_run_of_one_lineage_is_no_race(results: dict[str, Any]) -> None:
    """It tests candidates, and has no lineages to show."""
    run = run_results()

    assert not is_race(run)
    assert lineages(run) == ()
    assert noun_of_models(run) == "candidates"
    assert rounds_with_choice(run) == run.rounds


def test_rounds_of_a_race_compare_lineages_until_one_is_left() -> None:
    """Then they compare what is derived from it."""
    run = race_results()

    assert is_race(run)
    assert noun_of_models(run) == "models"
    assert [is_field(record) for record in run.rounds] == [True, True, False]
