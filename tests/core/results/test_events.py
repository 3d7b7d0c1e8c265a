"""Events of a run: phases, progress, time left."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from safecompress_core.results.events import EventLog
from safecompress_core.training.training_step import TrainingStep


def test_every_sink_is_told_with_time_and_progress() -> None:
    """In the order of events; facts are passed on as they are."""
    first: list[Mapping[str, Any]] = []
    second: list[Mapping[str, Any]] = []
    events = EventLog(first.append, second.append, total=5)

    events.emit("run_started", name="it")
    events.advance()
    events.advance(2)
    events.emit("round_finished", round=1, candidates=[])

    assert first == second
    assert [(one["event"], one["done"], one["total"]) for one in first] == [
        ("run_started", 0, 5),
        ("round_finished", 3, 5),
    ]
    assert first[0]["name"] == "it"
    assert datetime.fromisoformat(first[0]["time"]).utcoffset() is not None
    json.dumps(first)


class Clock:
    """A clock that a test advances."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def stride(step: int, *, seconds: float = 0.5) -> TrainingStep:
    """A step of the third epoch, of ten steps."""
    return TrainingStep(
        what="the model",
        epoch=3,
        until=4,
        step=step,
        steps=10,
        loss=lambda: 2.0 / step,
        seconds=seconds,
    )


def test_training_is_told_once_a_second_and_not_logged() -> None:
    """The number of steps does not matter; the loss is read only for an event."""
    logged: list[Mapping[str, Any]] = []
    live: list[Mapping[str, Any]] = []
    clock = Clock()
    events = EventLog(logged.append, live=live.append, clock=clock)
    events.expect(2, epochs=2, attacks=0)

    for step in range(1, 8):
        clock.now += 0.5
        events.add_step(stride(step))

    assert logged == []
    assert [(one["event"], one["step"], one["loss"]) for one in live] == [
        ("training_progressed", step, pytest.approx(2.0 / step)) for step in (2, 4, 6)
    ]
    assert live[0]["left"] == {"seconds": pytest.approx(1.8 * 5.0), "counts_attacks": True}
    json.dumps(live)


def test_the_last_step_of_a_training_is_always_told() -> None:
    """Otherwise the display would show training during the phase after it."""
    live: list[Mapping[str, Any]] = []
    events = EventLog(live=live.append, clock=Clock())

    events.add_step(stride(9))
    events.add_step(replace(stride(10), until=3))

    assert [one["step"] for one in live] == [10]


def test_an_attack_that_is_told_is_timed() -> None:
    """The time left then includes attacks; every sink gets the event."""
    logged: list[Mapping[str, Any]] = []
    clock = Clock()
    events = EventLog(logged.append, clock=clock)
    events.expect(2, epochs=1, attacks=3)
    for step in range(1, 11):
        events.add_step(stride(step, seconds=0.5))
    clock.now = 9.0

    events.emit("attack_finished", phase="select")

    assert logged[0]["left"] == {"seconds": pytest.approx(2 * 4.0), "counts_attacks": True}


def test_work_inside_a_unit_tells_of_training_alone() -> None:
    """With the units of the whole run: a reference model's own rounds are none of it."""
    logged: list[Mapping[str, Any]] = []
    live: list[Mapping[str, Any]] = []
    clock = Clock()
    events = EventLog(logged.append, live=live.append, total=7, clock=clock)
    events.advance(3)
    inner = events.for_inner_work()

    inner.advance(2)
    inner.emit("round_finished", round=1)
    clock.now += 2
    inner.add_step(stride(1))

    assert logged == []
    assert [(one["event"], one["done"], one["total"]) for one in live] == [
        ("training_progressed", 3, 7)
    ]


def test_a_listener_that_comes_later_hears_what_comes_then() -> None:
    """Next to those that were there."""
    first: list[str] = []
    later: list[str] = []
    journal = EventLog(lambda event: first.append(event["event"]))
    journal.emit("run_started")
    journal.add_listener(lambda event: later.append(event["event"]))
    journal.emit("run_finished")

    assert (first, later) == (["run_started", "run_finished"], ["run_finished"])
