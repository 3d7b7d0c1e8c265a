"""A display is a plugin like any other observer: it receives events and changes nothing."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Self

from safecompress_core.api import hookimpl
from safecompress_core.cli.display.progress import Progress
from safecompress_core.report.data_card_text import card_lines
from safecompress_core.results.schema import DataRecord

__all__ = ["Display"]

Event = Mapping[str, Any]


class Display(ABC):
    """Keeps up a run's progress and shows it."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    @abstractmethod
    def show(self, event: Event) -> None:
        """Show what an event has changed; the progress knows of it already."""

    @abstractmethod
    def write(self, text: str) -> None:
        """Show a line that stays."""

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:  # noqa: B027  only what takes the terminal has to
        """Take the terminal."""

    def close(self) -> None:  # noqa: B027  as above
        """Give it back."""

    def take(self, event: Event) -> None:
        """Take in what happened."""
        self._progress.take(event)

    def hear(self, event: Event) -> None:
        """Take in what happened, and show it."""
        self.take(event)
        self.show(event)

    @hookimpl
    def safecompress_run_started(self, event: Event) -> None:
        """Before anything is trained: what the data are, and where the run is."""
        # Cards are printed once, above the live view.
        for line in card_lines(DataRecord.model_validate(event["data"])):
            self.write(line)
        self.hear(event)

    @hookimpl
    def safecompress_attack_finished(self, event: Event) -> None:
        """After each attack."""
        self.hear(event)

    @hookimpl
    def safecompress_candidate_tested(self, event: Event) -> None:
        """After each candidate."""
        self.hear(event)

    @hookimpl
    def safecompress_round_finished(self, event: Event) -> None:
        """After each round."""
        self.hear(event)

    @hookimpl
    def safecompress_reference_trained(self, event: Event) -> None:
        """After each reference model."""
        self.hear(event)

    @hookimpl
    def safecompress_training_progressed(self, event: Event) -> None:
        """Once a second while a model trains."""
        self.hear(event)

    @hookimpl
    def safecompress_run_finished(self, event: Event) -> None:
        """Show the results."""
        self.hear(event)
