"""Trials of a report, as a round of the results."""

from collections.abc import Callable
from typing import Any

import pytest

from safecompress_core.context.run_context import RunContext
from safecompress_core.methods.method import MethodContext, MethodOutcome
from safecompress_core.methods.search.study import OpenTrial
from safecompress_core.results.schema import RoundRecord

Prepare = Callable[..., RunContext]


@pytest.fixture
def outcome(
    prepare: Prepare,
    searching: Callable[..., dict[str, Any]],
    workshop: Callable[..., MethodContext],
    monkeypatch: pytest.MonkeyPatch,
) -> MethodOutcome:
    """Of a search whose second trial is pruned at its second of two reports' first."""

    def prune(proposed: OpenTrial, utility: float, *, report: int) -> bool:
        return len(proposed._study.get_trials()) == 2

    monkeypatch.setattr(OpenTrial, "is_pruned", prune)
    changes = searching(pruner="median", reports=2, budget=4)
    return prepare(**changes).method.run(workshop(**changes))


def test_each_report_is_a_round_of_the_trials_that_reached_it(outcome: MethodOutcome) -> None:
    """With what each costs, and why the second trial ended."""
    first, last = (RoundRecord.model_validate(record) for record in outcome.rounds)

    assert [one.id for one in first.candidates] == ["r1c1", "r1c2", "r1c3", "r1c4"]
    assert [one.id for one in last.candidates] == ["r2c1", "r2c3", "r2c4"]
    assert (first.epochs, last.epochs) == (2, 4)
    assert (first.trainings, last.trainings) == (4 * 0.5, 3 * 0.5)
    assert [one.chosen for one in first.candidates] == [True, False, True, True]
    assert [one.left is not None for one in first.candidates] == [False, True, False, False]
    left = first.candidates[1].left
    assert left is not None
    assert (left.reason, left.by) == ("pruned", None)
    assert {one.parent for one in last.candidates} == {"r1c1", "r1c3", "r1c4"}


def test_one_of_the_finished_trials_is_chosen(outcome: MethodOutcome) -> None:
    """The others say which one they lost to."""
    last = RoundRecord.model_validate(outcome.rounds[-1])

    [chosen] = [one for one in last.candidates if one.chosen]
    assert chosen.id == outcome.chosen_id
    assert all((one.left is None) == one.chosen for one in last.candidates)
