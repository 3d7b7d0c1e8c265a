"""Schedule of the fraction of weights that an update replaces."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

__all__ = ["ScheduleName", "UpdateSchedule"]

ScheduleName = Literal["cosine", "linear", "constant"]

_SHAPES: dict[ScheduleName, Callable[[float], float]] = {
    "cosine": lambda progress: (1 + math.cos(math.pi * progress)) / 2,
    "linear": lambda progress: 1 - progress,
    "constant": lambda _: 1.0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateSchedule:
    """The update fraction f(t).

    Attributes:
        shape: ``cosine``: α/2·(1 + cos(π·t/T_end)); ``linear``: α·(1 − t/T_end); ``constant``: α.
        fraction: α, the share of active weights replaced at t = 0, in [0, 1].
        end: T_end > 0, in the unit of t (steps or epochs); from then on cosine and linear are 0.

    Source: Evci et al. 2020, "Rigging the Lottery", section 3 (cosine).
    """

    shape: ScheduleName
    fraction: float
    end: float

    def __post_init__(self) -> None:
        if not 0 <= self.fraction <= 1:
            raise ValueError(f"the update fraction is in [0, 1], not {self.fraction}")
        if self.end <= 0:
            raise ValueError(f"the end of the schedule is after its start, not at {self.end}")

    def at(self, time: float) -> float:
        """The share of active weights to replace at ``time`` >= 0, in [0, α]."""
        # After the end the fraction stays at its last value.
        return self.fraction * _SHAPES[self.shape](min(time / self.end, 1.0))
