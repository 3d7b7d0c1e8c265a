"""Plan of a comparison; without torch, unless a pace is requested."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from safecompress_core.compare.training_cost import budget_notes, planned_trainings
from safecompress_core.host import Registry
from safecompress_core.plan import Job, Plan, make_plan
from safecompress_core.results.checksums import is_finished
from safecompress_core.specfile.models.comparison import Comparison, ComparisonRun

__all__ = ["ComparisonPlan", "Pace", "PlannedRun", "plan_comparison"]

SHARED = ("uncompressed model", "reference models, uncompressed")
"""Jobs of a run that all runs of a seed have in common."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRun:
    """One run of a comparison.

    Attributes:
        label: variant, density and seed.
        directory: the name of its directory.
        epochs: that its own method and reference models train; None if it cannot be known.
        tests: how often a model is asked for an attack; None likewise.
        trainings: cost of its method, in trainings of one model; None likewise.
        is_done: whether it was finished before, and nothing that it read has changed since.
        changed: what has changed since; such a run is done again only once its directory is gone.
    """

    label: str
    directory: str
    epochs: int | None
    tests: int | None
    trainings: float | None
    is_done: bool
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonPlan:
    """Runs and units of work that remain.

    Attributes:
        name: of the comparison.
        runs: all of them, in their order.
        shared_epochs: what runs of one seed train once for all of them, over all seeds.
        steps: optimizer steps of an epoch; None if only the data determine it.
        notes: variants that cost something else than the comparison's budgets.
    """

    name: str
    runs: tuple[PlannedRun, ...]
    shared_epochs: int
    steps: int | None
    notes: tuple[str, ...] = ()

    @property
    def epochs(self) -> int | None:
        """Passes over the members that are still to be trained; None if it cannot be known."""
        counts = [run.epochs for run in self.runs if not run.is_done]
        # Unknown for one run means unknown for the whole.
        if None in counts:
            return None
        return sum(count for count in counts if count is not None) + (
            self.shared_epochs if counts else 0
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "epochs": self.epochs}


class Pace:
    """Time left of a comparison, at the pace of the runs that this process has seen finished.

    Args:
        plan: of the comparison, made before the first of them begins.
        clock: seconds, from any beginning.
    """

    def __init__(
        self, plan: ComparisonPlan, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._start = clock()
        # Where one method does not state its epochs, all runs count alike.
        epochs = {run.label: run.epochs for run in plan.runs if not run.is_done}
        alike = None in epochs.values()
        self._to_do = {label: 1 if alike else count or 1 for label, count in epochs.items()}
        self._done = 0

    def add_run(self, label: str) -> None:
        # Unknown labels are runs that were finished before the plan.
        """Count a run; one that was finished before took no time."""
        self._done += self._to_do.pop(label, 0)

    @property
    def left(self) -> float | None:
        """Seconds to go; None before the first run is finished, and after the last."""
        # Without a finished run there is no pace; without work there is no time left.
        if not self._done or not self._to_do:
            return None
        return (self._clock() - self._start) / self._done * sum(self._to_do.values())


def plan_comparison(
    comparison: Comparison,
    registry: Registry,
    folder: Path,
    *,
    changed: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> ComparisonPlan:
    """Plan the remaining work of a comparison kept in ``folder``.

    Args:
        comparison: what is to be done.
        registry: what its components are made of.
        folder: where it is kept.
        changed: by directory of a finished run, what has changed since it began.
    """
    plans = [make_plan(entry.loaded, registry) for entry in comparison.entries]
    shared: dict[int, int] = {}
    for entry, plan in zip(comparison.entries, plans, strict=True):
        both = sum(job.epochs or 0 for job in plan.jobs if job.name in SHARED)
        # The maximum, not the sum: runs of one seed share these models.
        shared[entry.seed] = max(shared.get(entry.seed, 0), both)
    return ComparisonPlan(
        name=comparison.spec.name,
        runs=tuple(_runs(comparison.entries, plans, folder, changed)),
        shared_epochs=sum(shared.values()),
        steps=plans[0].steps,
        notes=tuple(budget_notes(comparison.entries)),
    )


def _runs(
    entries: Sequence[ComparisonRun],
    plans: Sequence[Plan],
    folder: Path,
    changed: Mapping[str, tuple[str, ...]],
) -> Iterator[PlannedRun]:
    for entry, plan in zip(entries, plans, strict=True):
        jobs = [job for job in plan.jobs if job.name not in SHARED]
        yield PlannedRun(
            label=entry.label,
            directory=plan.directory,
            epochs=_sum(jobs, "epochs"),
            tests=_sum(jobs, "tests"),
            trainings=planned_trainings(entry.loaded),
            is_done=is_finished(folder / "runs" / plan.directory) and plan.directory not in changed,
            changed=changed.get(plan.directory, ()),
        )


def _sum(jobs: Sequence[Job], count: str) -> int | None:
    """Of all jobs; None if one of them is unknown."""
    counts = [getattr(job, count) for job in jobs]
    return None if None in counts else sum(counts)
