"""Journal of a run: its events, for the event log and for observers, and the time that is left."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Self

from safecompress_core.results.time_estimate import RemainingWork
from safecompress_core.training.training_step import TrainingStep

__all__ = ["EventLog", "Listener"]

Listener = Callable[[Mapping[str, Any]], None]

PULSE = 1.0
"""Seconds between two events about the same training."""


class EventLog:
    """Numbers the finished units of work and passes each event to every sink.

    Every event has ``event``, ``time`` (UTC), ``done`` and ``total`` (units of work: models trained
    or tested), and ``left``: the ``seconds`` that the run still takes and whether they
    ``count_attacks``, or None while that cannot be estimated.

    Args:
        sinks: receive every event but the progress of training.
        total: units of work.
        live: receives that as well, at most once a second and of the last step.
        clock: seconds, from any beginning.
        estimate: of the time left.
    """

    def __init__(
        self,
        *listeners: Listener,
        total: int = 0,
        live: Listener | None = None,
        clock: Callable[[], float] = time.monotonic,
        estimate: RemainingWork | None = None,
    ) -> None:
        self._listeners = listeners
        self._live = live
        self._done = 0
        self._total = total
        self._clock = clock
        # The same clock, or estimates and pulses would disagree in tests.
        self._estimate = estimate or RemainingWork(clock=clock)
        self._pulsed = clock()

    def add_listener(self, listener: Listener) -> None:
        """Pass every event from here on to a listener as well, but the progress of training."""
        self._listeners = (*self._listeners, listener)

    def expect(self, units: int, *, epochs: int | None = None, attacks: int | None = None) -> None:
        """Say how much there is to do in all, once that is known.

        Args:
            units: models that are trained or tested.
            epochs: passes over the members; None if it cannot be known.
            attacks: how often a model is asked for an attack; None likewise.
        """
        self._total = units
        self._estimate.plan(epochs=epochs, attacks=attacks)

    def advance(self, units: int = 1) -> None:
        """Count units as done."""
        self._done += units

    def skip(self, *, epochs: float = 0, attacks: int = 0) -> None:
        """Take planned work off that an earlier attempt has done, or that is not needed."""
        self._estimate.skip(epochs=epochs, attacks=attacks)

    def add_epochs(self, *, epochs: float, seconds: float) -> None:
        """Count epochs that were trained without reports of their steps."""
        self._estimate.add_training(epochs, seconds)

    def add_step(self, training_step: TrainingStep, *, share: float = 1.0) -> None:
        """Count a step of training, and report it once a second.

        ``share`` is how many of the members are trained on: epochs of fewer are shorter ones.
        """
        # In epochs over all members, since a step of a subset costs less.
        self._estimate.add_training(share / training_step.steps, training_step.seconds)
        now = self._clock()
        # The last step always: a progress bar must reach its end.
        is_due = now - self._pulsed >= PULSE or training_step.is_last
        if self._live is None or not is_due:
            return
        self._pulsed = now
        self._live(
            self._record(
                "training_progressed",
                what=training_step.what,
                epoch=training_step.epoch,
                until=training_step.until,
                step=training_step.step,
                steps=training_step.steps,
                loss=training_step.loss(),
            )
        )

    def emit(self, event: str, **facts: Any) -> None:
        """Pass on an event; facts are JSON-ready."""
        # Attacks are counted here, so that no caller can forget it.
        if event == "attack_finished":
            self._estimate.add_attack()
        record = self._record(event, **facts)
        # Live receives everything, since it shows results as well.
        for listener in (*self._listeners, *([self._live] if self._live else [])):
            listener(record)

    def for_inner_work(self) -> Self:
        """A journal of work inside a unit: it times that work, and reports training alone."""
        # Shared clock and estimate: inner work belongs to the same run.
        return type(self)(live=self._only_training, clock=self._clock, estimate=self._estimate)

    def _only_training(self, record: Mapping[str, Any]) -> None:
        if record["event"] == "training_progressed" and self._live is not None:
            # Counts of the outer journal: inner units are no units of the run.
            self._live({**record, "done": self._done, "total": self._total})

    def _record(self, event: str, **facts: Any) -> dict[str, Any]:
        left = self._estimate.left
        remaining = left and {"seconds": left.seconds, "counts_attacks": left.counts_attacks}
        return {
            "event": event,
            # UTC, so that logs of several machines can be merged.
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "done": self._done,
            "total": self._total,
            "left": remaining,
            **facts,
        }
