"""Observers are told what happens; they cannot change it, nor break it."""

import logging
import sys
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from safecompress_core.api import hookimpl
from safecompress_core.host import PluginHost, load_plugins

Install = Callable[..., None]


class Diary:
    """An observer that keeps what it is told, and tries to change it."""

    def __init__(self) -> None:
        self.pages: list[Any] = []

    @hookimpl
    def safecompress_round_finished(self, event: dict[str, Any]) -> None:
        self.pages.append(event["round"])
        event["round"] = "changed"
        event["candidates"].clear()

    @hookimpl
    def safecompress_run_finished(self) -> None:
        self.pages.append("end")


class Clumsy:
    """An observer that always raises."""

    @hookimpl
    def safecompress_round_finished(self, event: Mapping[str, Any]) -> None:
        raise RuntimeError("no disk")


def test_an_observer_is_told_its_events_and_cannot_change_them() -> None:
    """Each gets a copy; events without a hook reach no one."""
    host, diary, second = PluginHost([]), Diary(), Diary()
    host.add_observer("diary", diary)
    host.add_observer("second", second)
    event = {"event": "round_finished", "round": 3, "candidates": [1, 2]}

    host.notify(event)
    host.notify({"event": "run_finished"})
    host.notify({"event": "checkpoint_written"})

    assert diary.pages == second.pages == [3, "end"]
    assert event == {"event": "round_finished", "round": 3, "candidates": [1, 2]}


def test_an_observer_that_raises_is_logged_by_name_and_changes_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The others are still told."""
    host, diary = PluginHost([]), Diary()
    host.add_observer("diary", diary)
    host.add_observer("clumsy", Clumsy())

    with caplog.at_level(logging.WARNING):
        host.notify({"event": "round_finished", "round": 1, "candidates": []})

    assert diary.pages == [1]
    assert caplog.messages == ["observer clumsy failed: RuntimeError: no disk"]


def test_an_installed_observer_is_one_of_the_observers(install: Install) -> None:
    """Trackers are plugins like any other."""
    install(
        "acme",
        tracker="from safecompress_core.api import hookimpl\nseen = []\n"
        "@hookimpl\ndef safecompress_run_started(event): seen.append(event['event'])",
        silent="from safecompress_core.api import hookimpl\n"
        "@hookimpl\ndef safecompress_attackers(): return []",
    )
    host = load_plugins(environ={})

    host.notify({"event": "run_started"})

    assert [name for name in host.observers if name.startswith("acme")] == ["acme:tracker"]
    assert sys.modules["acme_tracker"].seen == ["run_started"]


def test_an_object_without_lifecycle_hooks_is_no_observer() -> None:
    """A forgotten ``@hookimpl`` is found when the observer is added, not by its silence."""
    host = PluginHost([])

    with pytest.raises(ValueError, match="'clock' has no lifecycle hook"):
        host.add_observer("clock", object())
    assert host.observers == ()
