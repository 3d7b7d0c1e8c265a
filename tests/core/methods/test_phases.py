"""Phases are done in order, kept one by one, and never done twice."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from safecompress_core.context.run_context import RunContext
from safecompress_core.methods.method import MethodContext
from safecompress_core.methods.phases import Phases
from safecompress_core.results.checkpoints import Checkpoints
from safecompress_core.results.events import EventLog
from safecompress_core.training.training_state import TrainingState

Events = list[Mapping[str, Any]]


@pytest.fixture
def workshop(
    prepare: Callable[..., RunContext], tmp_path: Path
) -> Callable[[Events], MethodContext]:
    """Made anew, as for every attempt at a run."""

    def made(events: Events) -> MethodContext:
        return prepare().method_context(
            "method",
            big=None,
            checkpoints=Checkpoints(tmp_path / "checkpoints"),
            archived=lambda name: tmp_path / name,
            events=EventLog(events.append, total=3),
        )

    return made


def attempt(shop: MethodContext, done: list[str], *, fails_in: str = "") -> Phases:
    """Three phases of an epoch each; ``done`` gets the names of those that began."""
    settings = shop.settings([])

    def start() -> TrainingState:
        done.append("start")
        return shop.new_state(shop.create_network(), None, settings)

    def work(name: str) -> Callable[[TrainingState], tuple[TrainingState, dict[str, Any]]]:
        def worked(state: TrainingState) -> tuple[TrainingState, dict[str, Any]]:
            done.append(name)
            if name == fails_in:
                raise KeyboardInterrupt
            state.epoch += 1
            return state, {"note": f"of {name}"}

        return worked

    phases = Phases(shop, settings, count=3, start=start)
    for name in ("one", "two", "three"):
        phases.do(name, work(name), epochs=1)
    return phases


def test_a_phase_that_was_finished_is_left_out(
    workshop: Callable[[Events], MethodContext], tmp_path: Path
) -> None:
    """The run goes on after it with the learner it left; what is told stays whole."""
    first: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        attempt(workshop([]), first, fails_in="three")
    second: list[str] = []
    events: Events = []
    phases = attempt(workshop(events), second)

    assert first == ["start", "one", "two", "three"]
    assert second == ["three"]
    assert phases.state.epoch == 3
    assert [phase["name"] for phase in phases.finished] == ["one", "two", "three"]
    assert phases.finished[0] == {"name": "one", "epochs": 1, "density": 1.0, "note": "of one"}
    assert [(event["event"], event["name"], event["done"]) for event in events] == [
        ("phase_finished", "three", 3)
    ]
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["phase-3"]


def test_a_finished_method_does_nothing_again(workshop: Callable[[Events], MethodContext]) -> None:
    """It only loads what it left behind."""
    attempt(workshop([]), [])
    done: list[str] = []
    outcome = attempt(workshop([]), done).outcome(answer=42)

    assert done == []
    assert outcome.chosen.epoch == 3
    assert outcome.facts == {"answer": 42}
