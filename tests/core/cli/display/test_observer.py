"""Displays as observers of a run."""

from pathlib import Path

import pytest

from safecompress_core.cli.display.observer import Display
from safecompress_core.cli.display.progress import Progress
from safecompress_core.hookspecs import LIFECYCLE
from tests.core.fixtures.run_events import CARD, Event, audited, ended, started, told, training


class Noted(Display):
    """A display that records when it opens and closes, its events and its lines."""

    def __init__(self, progress: Progress) -> None:
        super().__init__(progress)
        self.notes: list[str] = []

    def open(self) -> None:
        self.notes.append("open")

    def close(self) -> None:
        self.notes.append("close")

    def show(self, event: Event) -> None:
        self.notes.append(f"{event['event']} {self._progress.done}")

    def write(self, text: str) -> None:
        self.notes.append(text)


def test_an_event_is_taken_in_before_it_is_shown(progress: Progress, tmp_path: Path) -> None:
    """The data card comes before anything else of a run."""
    display = Noted(progress)

    told(display, started(tmp_path), training(epoch=1, left=9), audited("a", "loss", 0.1))
    told(Noted(progress), ended(passed=True))

    assert display.notes == [
        *CARD,
        "run_started 0",
        "training_progressed 0",
        "attack_finished 9",
    ]
    assert progress.done == 10


def test_each_of_its_hooks_is_one_that_observers_have() -> None:
    """And is marked as one: pluggy passes over a method that is not."""
    hooks = {name for name in vars(Display) if name.startswith("safecompress_")}

    assert hooks <= set(LIFECYCLE.values())
    assert [
        name for name in hooks if not hasattr(getattr(Display, name), "safecompress_impl")
    ] == []
    assert {"safecompress_run_started", "safecompress_run_finished"} <= hooks


def test_the_terminal_is_given_back_after_an_error(progress: Progress) -> None:
    """An interruption inside the display closes it."""
    display = Noted(progress)

    with pytest.raises(KeyboardInterrupt), display:
        raise KeyboardInterrupt

    assert display.notes == ["open", "close"]
