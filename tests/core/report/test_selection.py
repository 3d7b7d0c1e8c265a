"""Evidence behind the choices of rounds, in sentences."""

from typing import Any

from safecompress_core.report.selection import selection_findings
from tests.core.fixtures.records import edited, typed
from tests.core.fixtures.results import race_results

Results = dict[str, Any]


def test_what_no_round_could_tell_apart_is_said_plainly(results: Results) -> None:
    """Together with how often the run kept what it had, and which attackers were too weak."""
    assert [finding.text for finding in selection_findings(typed(results))] == [
        "No round could distinguish candidates by accuracy: they differ by less than the test's "
        "noise there.",
        "In 1 of 2 rounds nothing was significantly better than 'keep', so the run kept what it "
        "had.",
        "In 2 of 4 tests net was significantly weaker than loss-threshold, which counted in its "
        "place.",
    ]


def test_candidates_that_nothing_tells_apart_were_chosen_by_chance(results: Results) -> None:
    """The most important thing to know of such a run."""
    for round_ in results["rounds"]:
        for noise in round_["spread"].values():
            noise["tells_apart"] = False

    first = selection_findings(typed(results))[0]

    assert first.is_good is False
    assert first.text.startswith("No round could distinguish its candidates:")
    assert "chance" in first.text


def test_rounds_that_could_always_tell_are_good_news(results: Results) -> None:
    """As are rounds that went on with something better each time."""
    for round_ in results["rounds"]:
        for noise in round_["spread"].values():
            noise["tells_apart"] = True
        round_["candidates"][0]["chosen"], round_["candidates"][1]["chosen"] = False, True

    texts = {finding.text: finding.is_good for finding in selection_findings(typed(results))}

    assert texts["Every round could distinguish its candidates by everything."] is True
    assert texts["In every round a candidate was significantly better than 'keep'."] is True


def test_of_several_carried_models_none_is_the_one_kept(results: Results) -> None:
    """With a beam there is no such sentence."""
    results["rounds"][0]["candidates"][1]["chosen"] = True

    assert not any(
        "kept what it had" in finding.text for finding in selection_findings(typed(results))
    )


def test_a_method_without_rounds_chose_nothing(results: Results) -> None:
    """There are no findings about selection."""
    assert selection_findings(typed({**results, "rounds": []})) == ()


def test_a_race_counts_what_decided_against_its_lineages() -> None:
    """One is dominated, one outranked by the task; the incumbent is a word for candidates alone."""
    assert [finding.text for finding in selection_findings(race_results())] == [
        "Of 3 lineages 2 left; outranked: 1 by accuracy alone; dominated: 1.",
        "Every round could distinguish its models by everything.",
        "In every round of candidates nothing was significantly better than 'keep', so the run "
        "kept what it had.",
        "In 3 of 7 tests net was not trained, and an attack without training counted in its place.",
    ]


def test_a_round_of_a_single_model_distinguishes_nothing_and_is_not_counted() -> None:
    """Where a race tests its last lineage as it is, there was no choice."""
    results = race_results()
    last = results.rounds[2]
    alone = last.model_copy(
        update={
            "candidates": last.candidates[:1],
            "spread": {
                name: edited(noise, {"spread": 0.0, "tells_apart": False})
                for name, noise in last.spread.items()
            },
        }
    )
    run = results.model_copy(update={"rounds": (*results.rounds[:2], alone)})

    texts = [finding.text for finding in selection_findings(run)]

    assert "Every round could distinguish its models by everything." in texts
    assert not any("kept what it had" in text for text in texts)
