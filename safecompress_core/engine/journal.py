"""Tells what happens: to the event log, and to whoever observes the run."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

__all__ = ["Journal", "Sink"]

Sink = Callable[[Mapping[str, Any]], None]


class Journal:
    """Numbers the finished units of work and passes each event to every sink.

    Every event has ``event``, ``time`` (UTC), ``done`` and ``total`` (units of work: models trained
    or tested), so that an observer can tell how far the run is.
    """

    def __init__(self, *sinks: Sink, total: int = 0) -> None:
        self._sinks = sinks
        self._done = 0
        self._total = total

    def expect(self, units: int) -> None:
        """Say how many units there are in all, once that is known."""
        self._total = units

    def advance(self, units: int = 1) -> None:
        """Count units as done."""
        self._done += units

    def tell(self, event: str, **facts: Any) -> None:
        """Pass on an event; facts are JSON-ready."""
        record = {
            "event": event,
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "done": self._done,
            "total": self._total,
            **facts,
        }
        for sink in self._sinks:
            sink(record)
