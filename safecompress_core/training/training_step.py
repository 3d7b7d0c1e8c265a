"""Progress of one training: the step it has reached, its loss and its duration."""

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["TrainingStep"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingStep:
    """A step of training.

    Attributes:
        what: is trained.
        epoch: from 1.
        until: the epoch that this training ends with.
        step: of the epoch, from 1.
        steps: of the epoch.
        loss: mean of the epoch so far; reading it waits for the device.
        seconds: that the step took.
    """

    what: str
    epoch: int
    until: int
    step: int
    steps: int
    loss: Callable[[], float]
    seconds: float

    @property
    def is_last(self) -> bool:
        """Return whether training ends with it."""
        return (self.epoch, self.step) == (self.until, self.steps)
