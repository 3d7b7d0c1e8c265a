"""Schedule of units on workers, simulated: its length, its critical path and how busy workers are.

Units are taken in their order by the worker that is free first, as the executors do it, and a stage
begins when the one before has ended. A stage takes less than twice as long as the best schedule.

Source: Graham 1969, "Bounds on Multiprocessing Timing Anomalies".
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Schedule", "Stage", "simulate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Units that do not depend on each other.

    Attributes:
        name: of the stage.
        seconds: of each unit, in their order.
        is_spread: whether workers share them; else the command does them, one after the other.
    """

    name: str
    seconds: tuple[float, ...]
    is_spread: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Schedule of all stages.

    Attributes:
        workers: how many there are.
        seconds: from the beginning to the end.
        work: seconds of all units together.
        critical: seconds that no number of workers goes below: the longest unit of each stage.
        ends: when each stage ends, by its name.
    """

    workers: int
    seconds: float
    work: float
    critical: float
    ends: dict[str, float]

    @property
    def utilisation(self) -> float:
        """Return the share of the workers' time that is work, in [0, 1]."""
        return self.work / (self.workers * self.seconds) if self.seconds else 1.0

    @property
    def speed_up(self) -> float:
        """Return how many times longer one worker takes."""
        return self.work / self.seconds if self.seconds else 1.0


def simulate(
    stages: Sequence[Stage], workers: int, *, start: float = 0.0, overhead: float = 0.0
) -> Schedule:
    """Simulate stages, one after the other.

    Args:
        stages: in their order.
        workers: how many units are done at once.
        start: seconds that a worker takes to start, once.
        overhead: seconds that a unit takes in addition, on a worker.
    """
    now, work, critical = 0.0, 0.0, 0.0
    ends: dict[str, float] = {}
    has_started = False
    for stage in stages:
        work += sum(stage.seconds)
        if not stage.is_spread:
            now += sum(stage.seconds)
            critical += sum(stage.seconds)
        elif stage.seconds:
            # A worker starts with its first unit, and stays.
            begin = now if has_started else now + start
            has_started = True
            free = [begin] * min(workers, len(stage.seconds))
            for seconds in stage.seconds:
                heapq.heapreplace(free, free[0] + seconds + overhead)
            now = max(free)
            critical += max(stage.seconds)
        ends[stage.name] = now
    return Schedule(workers=workers, seconds=now, work=work, critical=critical, ends=ends)
