"""Progress where there is no terminal: lines on standard error.

One for every finished unit, one as soon as the time left can be estimated, and one after 30 seconds
without a line.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Event as Flag
from threading import Lock, Thread
from typing import Any

import click

from safecompress_core.cli.display.observer import Display
from safecompress_core.cli.display.progress import Outline, Progress
from safecompress_core.report.formatting import duration, format_number
from safecompress_core.specfile.models.comparison import ComparisonRun

__all__ = ["BriefLines", "Lines", "brief_lines"]

Event = Mapping[str, Any]


SILENCE = 30.0
"""Seconds without a line, at most."""
LOOK = 1.0
"""Seconds between two looks at the clock."""


class Lines(Display):
    """Writes what is finished, with how far the run is and how long it has taken."""

    def __init__(self, progress: Progress) -> None:
        super().__init__(progress)
        self._written = 0.0
        self._has_promised = False
        self._lock = Lock()  # the clock has a thread of its own
        self._is_over = Flag()
        # A daemon, so that a hanging display never keeps the process alive.
        self._clock = Thread(target=self._watch_the_clock, daemon=True)

    def open(self) -> None:
        """Start watching the clock."""
        self._clock.start()

    def close(self) -> None:
        """Stop watching it."""
        self._is_over.set()
        # Joined, so that no line appears after the results.
        self._clock.join()

    def show(self, event: Event) -> None:
        """Write a line, unless nothing but a part of a unit is finished."""
        line = self._line(event)
        if line:
            self._write_line(line)
        # Once, as soon as an estimate exists.
        if self._progress.training and self._progress.time_left and not self._has_promised:
            self._has_promised = True
            self.write_status()

    def beat(self) -> None:
        """Write what is being done, if nothing has been written for long."""
        # Silence is measured from the last line, whatever wrote it.
        if self._progress.running_seconds - self._written >= SILENCE:
            self.write_status()

    def write_status(self) -> None:
        """Write what is being done, and the time left where it can be estimated."""
        left = self._progress.time_left
        self._write_line(f"{self._progress.status}{f'; {left}' if left else ''}")

    def _write_line(self, line: str) -> None:
        progress = self._progress
        with self._lock:
            self._written = progress.running_seconds
            width = len(str(progress.total))
            # Padded, so that lines stay aligned as numbers grow.
            done = f"{progress.done:{width}}/{progress.total} " if progress.total else ""
            self.write(f"[{done}{duration(progress.running_seconds):>5}] {line}")

    def _watch_the_clock(self) -> None:
        # wait() also returns at once when the display closes.
        while not self._is_over.wait(LOOK):
            self.beat()

    def write(self, text: str) -> None:
        """One more line, that counts nothing."""
        click.echo(text, err=True)

    def _line(self, event: Event) -> str:
        line = ""
        match event["event"]:
            case "run_started":
                line = self._start()
            case "candidate_tested":
                line = f"{event['candidate']} {self._progress.candidate_name}: {self._figures()}"
            case "round_finished":
                line = self._round(event)
            case "reference_trained":
                line = f"reference model {event['reference']} for the {event['model']} model"
            # A guard: attacks that select are part of their candidate's line.
            case "attack_finished" if event["phase"] == "audit":
                line = self._audit(event["model"])
            case "run_finished":
                met = sum(gate["passed"] for gate in event["gate"])
                gates = f", {met} of {len(event['gate'])} gates met" if event["gate"] else ""
                void = f", VOID: {' and '.join(event['void'])}" if event["void"] else ""
                line = f"audit finished{gates}{void}"
        return line

    def _start(self) -> str:
        rounds = self._progress.rounds_done
        resumed = f", going on after round {rounds}" if rounds else ""
        return f"{self._progress.name} in {self._progress.path}{resumed}"

    def _figures(self) -> str:
        candidate = self._progress.candidate
        performance = _join({self._progress.metric: candidate["performance"]})
        advantages = _join(candidate["advantages"])
        return f"{performance}; advantage {advantages}" if advantages else performance

    def _audit(self, model: str) -> str:
        """Return the result of all attacks on a model; empty while one is missing."""
        advantages = self._progress.audited[model]
        is_whole = len(advantages) == len(self._progress.outline.audit)
        return f"audit of {model}: advantage {_join(advantages)}" if is_whole else ""

    def _round(self, event: Event) -> str:
        total = self._progress.outline.rounds
        candidates = event["candidates"]
        chosen = [candidate for candidate in candidates if candidate["chosen"]]
        names = ", ".join(f"{candidate['id']} ({candidate['strategy']})" for candidate in chosen)
        of = f" of {total}" if total else ""
        outcome = f" chose {names}"
        if self._progress.was_field(event):
            goes = "goes" if len(chosen) == 1 else "go"
            several = f"{len(candidates)} lineages, {len(chosen)} {goes} on"
            outcome = f": {several if len(candidates) > 1 else '1 lineage, alone'}"
        return f"round {event['round']}{of}{outcome}; {len(event['front'])} on the front"


class BriefLines(Lines):
    """Of a run among several: the time left, and a line whenever 30 seconds passed without one.

    Args:
        progress: of the run.
        label: which run it is.
    """

    def __init__(self, progress: Progress, *, label: str) -> None:
        super().__init__(progress)
        self._label = label

    def write(self, text: str) -> None:
        """Write a line of this run."""
        super().write(f"{self._label} {text}")

    def _line(self, event: Event) -> str:
        # Lines of single units would mix with those of parallel runs.
        return ""


@contextmanager
def brief_lines(entry: ComparisonRun) -> Iterator[Callable[[Event], None]]:
    """Show a run of a comparison, in this process or in another."""
    with BriefLines(Progress(Outline.of(entry.loaded.spec)), label=entry.label) as display:
        yield display.hear


def _join(figures: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {format_number(value)}" for name, value in figures.items())
