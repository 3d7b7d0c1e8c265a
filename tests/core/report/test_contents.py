"""Headline, tiles and rounds of the page."""

import pytest

from safecompress_core.report.contents import cost_of_race, headline, rounds, tiles
from safecompress_core.results.schema import ControlsRecord, ModelAuditRecord, Results
from tests.core.fixtures.records import (
    attack_record,
    candidate_record,
    control_values,
    edited,
    estimate,
    model_record,
    round_record,
)
from tests.core.fixtures.results import race_results, run_results

FAILED = {"passed": False}


def a_run(
    *, accuracy: tuple[float, float], leak: tuple[float, float], size: tuple[int, int] = (100, 10)
) -> Results:
    """Results of one attack, before and after; every interval reaches 0.05 to either side."""
    before, after = (
        ModelAuditRecord(
            model=model_record(file_bytes=size[index], dense_bytes=size[0]),
            metrics={"accuracy": estimate(accuracy[index])},
            audit={"loss-threshold": attack_record("membership", leak[index], 0.05)},
        )
        for index in (0, 1)
    )
    controls = ControlsRecord.model_validate(
        {"null": {"loss-threshold": control_values(0.5, 0.4, 0.6)}, "planted": {}}
    )
    return run_results().model_copy(
        update={
            **dict(after),
            "baseline": before,
            "rounds": (),
            "archive": (),
            "controls": controls,
        }
    )


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (
            a_run(accuracy=(0.5, 0.4), leak=(0.4, 0.1)),
            "10.0× smaller, with 75 % less membership leakage, for 10.0 points of accuracy.",
        ),
        (
            a_run(accuracy=(0.5, 0.6), leak=(0.2, 0.3)),
            "10.0× smaller, with 50 % more membership leakage, and 10.0 points more accuracy.",
        ),
        (
            a_run(accuracy=(0.5, 0.48), leak=(0.2, 0.18)),
            "10.0× smaller, with no measurable change in membership leakage, "
            "for 2.0 points of accuracy, within the noise.",
        ),
        (
            a_run(accuracy=(0.5, 0.5), leak=(0.0, 0.1), size=(100, 200)),
            "2.0× larger, with 0.100 of new membership leakage, at the same accuracy.",
        ),
    ],
)
def test_a_headline_claims_a_change_only_beyond_the_noise(run: Results, said: str) -> None:
    """A cost is named even within the noise, a gain in safety only beyond it."""
    assert headline(run) == said


def test_a_failed_control_leaves_no_claim() -> None:
    """There is no headline, however good the figures are; the verdict names the control."""
    run = a_run(accuracy=(0.5, 0.4), leak=(0.4, 0.1))

    assert headline(edited(run, {"controls": {"null": {"loss-threshold": FAILED}}})) == ""


def test_the_strongest_attack_speaks_for_its_game() -> None:
    """Of two attacks on a model the one with the larger advantage counts, of each model its own."""
    run = a_run(accuracy=(0.5, 0.4), leak=(0.4, 0.1))
    stronger = {"modified-entropy": attack_record("membership", 0.3, 0.05)}

    leak = tiles(edited(run, {"audit": stronger, "baseline": {"audit": stronger}}))[-1]

    assert (leak.before, leak.after) == ("0.400", "0.300")
    assert leak.note == "0.250–0.350, by modified-entropy"
    assert leak.direction == "better"


@pytest.mark.parametrize(
    ("chosen", "significant", "decision", "challenger"),
    [
        ([0], False, "kept: nothing was significantly better", "b"),
        ([1], True, "significantly better", "a"),
        ([0, 1], False, "the 2 that cover most of the front", None),
    ],
)
def test_a_round_says_why_it_went_on(
    chosen: list[int], significant: bool, decision: str, challenger: str | None
) -> None:
    """The best rejected candidate is named next to the chosen ones."""
    candidates = [
        candidate_record(
            name,
            utility=float(index),
            chosen=index in chosen,
            significant=significant and index in chosen,
        )
        for index, name in enumerate("ab")
    ]
    results = run_results().model_copy(update={"rounds": (round_record(1, *candidates),)})

    [found] = rounds(results)

    assert found.decision == decision
    assert (found.challenger and found.challenger.id) == challenger
    assert [one.id for one in found.chosen] == [
        name for index, name in reversed(list(enumerate("ab"))) if index in chosen
    ]


def test_a_round_of_a_race_counts_its_lineages() -> None:
    """Equals have no incumbent; a single lineage derives candidates."""
    first, second, third = rounds(race_results())

    assert (first.decision, first.is_field) == ("2 of 3 lineages go on", True)
    assert (second.decision, second.is_field) == ("1 of 2 lineages goes on", True)
    assert third.decision == "kept: nothing was significantly better"
    assert not third.is_field


@pytest.mark.parametrize(
    ("chosen", "lineages", "decision"),
    [((True, True), 2, "all lineages go on"), ((True,), 1, "nothing to compare with")],
)
def test_a_round_that_narrows_nothing_says_so(
    chosen: tuple[bool, ...], lineages: int, decision: str
) -> None:
    """A field may keep its width, and the last lineage may be tested as it is."""
    models = [candidate_record(f"r1c{index}", chosen=one) for index, one in enumerate(chosen)]
    record = round_record(1, *models, lineages=lineages)

    [found] = rounds(run_results().model_copy(update={"rounds": (record,)}))

    assert found.decision == decision


@pytest.mark.parametrize(
    ("twins", "said"),
    [
        (True, "The rounds cost 2 plain trainings, half of it for swap twins."),
        (False, "The rounds cost 2 plain trainings."),
    ],
)
def test_a_race_says_what_its_rounds_cost(*, twins: bool, said: str) -> None:
    """A run of one lineage does not."""
    spec = {"method": {"twins": twins}}

    assert cost_of_race(race_results(), spec) == said
    assert cost_of_race(run_results(), spec) == ""
