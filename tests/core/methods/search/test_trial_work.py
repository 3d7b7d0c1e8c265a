"""One trial: trained from report to report, tested, pruned."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from safecompress_core.context.run_context import RunContext
from safecompress_core.methods.method import MethodContext
from safecompress_core.methods.search.loop import Search
from safecompress_core.methods.search.study import OpenTrial

Prepare = Callable[..., RunContext]
Searching = Callable[..., dict[str, Any]]
Workshop = Callable[..., MethodContext]


def test_a_pruned_trial_costs_what_it_has_trained(
    prepare: Prepare,
    searching: Searching,
    workshop: Workshop,
    events: list[Mapping[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All but the first end at their first report of four, so ten trials fit instead of three."""

    def prune(proposed: OpenTrial, utility: float, *, report: int) -> bool:
        return proposed.drawn.name != "as written"

    monkeypatch.setattr(OpenTrial, "is_pruned", prune)
    changes = searching(pruner="median", budget=3)
    method = prepare(**changes).method
    assert isinstance(method, Search)

    outcome = method.run(workshop(**changes))

    ended = [event for event in events if event["event"] == "trial_finished"]
    assert [event["epochs"] for event in ended] == [4, *[1] * 5]
    assert [event["pruned"] for event in ended] == [False, *[True] * 5]
    # The next whole trial would not be paid for: 9 of 12 epochs are spent.
    assert ended[-1]["trainings"] == 9 / 4
    assert sum(record["trainings"] for record in outcome.rounds) == 9 / 4
    assert outcome.chosen_id == "r4c1"
    tested = [event["candidate"] for event in events if event["event"] == "candidate_tested"]
    assert tested == ["r1c1", "r2c1", "r3c1", "r4c1", *(f"r1c{number}" for number in range(2, 7))]
    assert events[-1]["done"] == method.units()
