"""Estimate of the time that a run has left: epochs and attacks to do, each at its measured pace.

Counts are those of the plan, which are upper ends. What an earlier, interrupted attempt has done
counts as done, and says nothing of the pace.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["RemainingWork", "TimeLeft"]

HALF_LIFE = 10.0
"""Epochs after which a measured pace counts half: a sparse, defended epoch costs another time than
a dense one."""


@dataclass(frozen=True, slots=True)
class TimeLeft:
    """Time left of a run.

    Attributes:
        seconds: to go.
        counts_attacks: whether attacks are in it; until the first one is timed they are not.
    """

    seconds: float
    counts_attacks: bool


class RemainingWork:
    """Work that is planned, work that is done, and what it took.

    Args:
        clock: seconds, from any beginning.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._start = clock()
        self._epochs_left: float | None = None
        self._attacks_left: float | None = None
        self._training = 0.0
        self._attacks = 0
        self._recent = (0.0, 0.0)  # epochs and their seconds, of which older ones count less

    def plan(self, *, epochs: int | None, attacks: int | None) -> None:
        """State how much there is to do in all; None if it cannot be known."""
        self._epochs_left, self._attacks_left = epochs, attacks

    def skip(self, *, epochs: float = 0, attacks: int = 0) -> None:
        """Take off work that is not done now: finished earlier, or not needed."""
        if self._epochs_left is not None:
            self._epochs_left -= epochs
        if self._attacks_left is not None:
            self._attacks_left -= attacks

    def add_training(self, epochs: float, seconds: float) -> None:
        """Count a part of an epoch, or several, and what it took."""
        self.skip(epochs=epochs)
        self._training += seconds
        # Exponential forgetting, by epochs instead of calls: steps may be reported one by one.
        weight = 0.5 ** (epochs / HALF_LIFE)
        self._recent = (self._recent[0] * weight + epochs, self._recent[1] * weight + seconds)

    def add_attack(self) -> None:
        """Count an attack on a model."""
        self.skip(attacks=1)
        self._attacks += 1

    @property
    def left(self) -> TimeLeft | None:
        """Time left; None while it cannot be estimated."""
        if self._epochs_left is None:
            return None
        # Never negative: a method may train more epochs than its plan.
        epochs, (trained, seconds) = max(self._epochs_left, 0.0), self._recent
        # Without a measured pace there is nothing to multiply.
        if epochs and not trained:
            return None
        training = epochs * seconds / trained if epochs else 0.0
        attacks = self._attacks_left
        # The estimate is of training alone until the first attack is timed.
        if attacks is None or (attacks > 0 and not self._attacks):
            return TimeLeft(training, counts_attacks=False)
        if attacks <= 0:
            return TimeLeft(training, counts_attacks=True)
        # Everything that is not training counts as attacks, since they dominate the rest.
        others = max(self._clock() - self._start - self._training, 0.0)
        return TimeLeft(training + attacks * others / self._attacks, counts_attacks=True)
