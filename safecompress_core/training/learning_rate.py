"""Learning-rate schedule: a function of training progress."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from safecompress_core.specfile.models.run_spec import RateSchedule

__all__ = ["CONSTANT", "LearningRate"]

_SHAPES: dict[RateSchedule, Callable[[float], float]] = {
    "constant": lambda _: 1.0,
    "cosine": lambda progress: (1 + math.cos(math.pi * progress)) / 2,
    "linear": lambda progress: 1 - progress,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningRate:
    """A factor of the learning rate for each moment of training.

    It depends on how far training has come and on nothing else: there is no state to keep, and a
    strategy that changes the learning rate changes what the factor is multiplied with.

    Attributes:
        shape: ``constant``, ``cosine`` (Loshchilov & Hutter 2017, Eq. 5, without restarts) or
            ``linear``, both down to 0 at the end.
        warmup: share of training, in [0, 1), in which the factor rises from 0 to 1 in a straight
            line (Goyal et al. 2017, section 2.2).
    """

    shape: RateSchedule = "constant"
    warmup: float = 0.0

    def at(self, progress: float) -> float:
        """The factor, in [0, 1], after this share of training, in [0, 1]."""
        # Warm-up is linear from 0; with warmup = 0 this branch is never taken, so nothing divides
        # by 0.
        if progress < self.warmup:
            return progress / self.warmup
        # Limited to 1, since rounding may pass the end of the schedule.
        return _SHAPES[self.shape](min((progress - self.warmup) / (1 - self.warmup), 1.0))


CONSTANT = LearningRate()
