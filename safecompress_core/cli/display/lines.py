"""Progress where there is no terminal: a line for every finished unit, on standard error."""

from collections.abc import Mapping
from typing import Any

import click

from safecompress_core.cli.display.observer import Display
from safecompress_core.report.verdict import failed_controls
from safecompress_core.report.words import duration, number

__all__ = ["Lines"]

Event = Mapping[str, Any]


class Lines(Display):
    """Writes what is finished, with how far the run is and how long it has taken."""

    def show(self, event: Event) -> None:
        """Write a line, unless nothing but a part of a unit is finished."""
        line = self._line(event)
        if line:
            progress = self._progress
            width = len(str(progress.total))
            place = f"{progress.done:{width}}/{progress.total} {duration(progress.elapsed):>5}"
            click.echo(f"[{place}] {line}", err=True)

    def write(self, text: str) -> None:
        """One more line, that counts nothing."""
        click.echo(text, err=True)

    def _line(self, event: Event) -> str:
        line = ""
        match event["event"]:
            case "run_started":
                line = self._start()
            case "candidate_tested":
                line = f"{event['candidate']} {event['strategy']}: {self._figures()}"
            case "round_finished":
                line = self._round(event)
            case "reference_trained":
                line = f"reference model {event['reference']} for the {event['model']} model"
            case "attack_finished" if event["phase"] == "audit":
                line = self._audit(event["model"])
            case "run_finished":
                met = sum(gate["passed"] for gate in event["gate"])
                gates = f", {met} of {len(event['gate'])} gates met" if event["gate"] else ""
                void = ", VOID: a control failed" if failed_controls(event) else ""
                line = f"audit finished{gates}{void}"
        return line

    def _start(self) -> str:
        rounds = self._progress.rounds_done
        resumed = f", going on after round {rounds}" if rounds else ""
        return f"{self._progress.name} in {self._progress.path}{resumed}"

    def _figures(self) -> str:
        candidate = self._progress.candidate
        performance = {self._progress.metric: candidate["performance"]}
        return _listed({**performance, **candidate["advantages"]})

    def _audit(self, model: str) -> str:
        """What all attacks have found on a model; empty while one of them is missing."""
        found = self._progress.audited[model]
        is_whole = len(found) == len(self._progress.outline.audit)
        return f"audit of {model}: advantage {_listed(found)}" if is_whole else ""

    def _round(self, event: Event) -> str:
        total = self._progress.outline.rounds
        chosen = [one for one in event["candidates"] if one["chosen"]]
        names = ", ".join(f"{one['id']} ({one['strategy']})" for one in chosen)
        of = f" of {total}" if total else ""
        return f"round {event['round']}{of} chose {names}; {len(event['front'])} on the front"


def _listed(figures: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {number(value)}" for name, value in figures.items())
