"""Does all runs of a comparison: in one place, sharing what does not depend on the variant.

- Every run has a directory of its own under ``runs/`` and is an ordinary run: it can be reported,
  verified and picked from, and a comparison that was stopped goes on where it was.
- The uncompressed model of a seed, and reference models, are trained once: they lie in ``shared/``
  under a key of everything that they depend on.
- A run that cannot be finished is reported at the end, and does not stop the others.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from pathlib import Path

from safecompress_core.compare.comparison_table import FinishedVariant
from safecompress_core.compare.run_unit import (
    Event,
    RunDisplay,
    RunUnit,
    failure_of,
    forget_failure,
    noting_failure,
)
from safecompress_core.compare.training_cost import cost_of, cost_taken
from safecompress_core.context.cache_keys import content_key
from safecompress_core.context.run_context import build_run_context
from safecompress_core.data.dataset import Dataset
from safecompress_core.execution.executor import Executor
from safecompress_core.execution.settings import Execution, open_executor
from safecompress_core.host import Registry
from safecompress_core.plan import PLAIN
from safecompress_core.results.checksums import is_finished
from safecompress_core.results.command_line import Invocation
from safecompress_core.results.reading import read_results
from safecompress_core.runs.run import run_directory, run_spec
from safecompress_core.runs.spec_unit import UnitSpec, needed_distributions, unit_settings
from safecompress_core.specfile.models.comparison import Comparison, ComparisonRun

__all__ = ["ComparisonJob", "Failure", "run_comparison"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A run that could not be finished.

    Attributes:
        label: which one.
        reason: the error's message.
    """

    label: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonJob:
    """How a comparison is to be done.

    Attributes:
        folder: where it is kept.
        plugins_dir: where single-file plugins are.
        invoked: the command line, which its runs record as theirs; None where Python code asked.
        watch: shows a run while it is done, in whatever process: a function of a module.
    """

    folder: Path
    plugins_dir: Path | None
    invoked: Invocation | None
    watch: RunDisplay


def run_comparison(
    comparison: Comparison,
    registry: Registry,
    job: ComparisonJob,
    *,
    execution: Execution,
    report_run: Callable[[ComparisonRun, str | None], None],
    observers: Callable[[Event], None],
    dataset_cache: dict[str, Dataset],
) -> tuple[list[FinishedVariant], list[Failure]]:
    """Do every run that is not done yet.

    Args:
        comparison: what there is to do.
        registry: what its components are made of.
        job: how it is done, and where it goes.
        execution: what does the runs.
        report_run: receives each run when it is finished, with the reason where it failed.
        observers: receive the events of runs that are done in this process.
        dataset_cache: data that this process has loaded; each process loads the same data once.

    Returns:
        The finished runs in the comparison's order, and those that failed.

    Raises:
        ExecutionError: if a cluster cannot do them.
    """
    failures: list[Failure] = []
    runner = _Runner(comparison, registry, job, dataset_cache, observers)
    with open_executor(execution) as executor:
        for entry in comparison.entries:
            executor.require(needed_distributions(entry.loaded.resolved, registry))
        for index in runner.do_all(executor):
            entry = comparison.entries[index]
            # Reasons travel by file: a unit returns nothing else.
            reason = failure_of(job.folder, index)
            report_run(entry, reason)
            if reason is not None:
                failures.append(Failure(label=entry.label, reason=reason))
    return list(_done(comparison, registry, job.folder)), failures


@dataclass(frozen=True)
class _Runner:
    """Runner of all runs of a comparison, with what this process has loaded."""

    comparison: Comparison
    registry: Registry
    job: ComparisonJob
    dataset_cache: dict[str, Dataset]
    observers: Callable[[Event], None]

    def do_all(self, executor: Executor) -> Iterator[int]:
        """Do all runs, and yield the index of each when it has ended."""
        units: list[tuple[str, RunUnit]] = []
        for index, entry in enumerate(self.comparison.entries):
            forget_failure(self.job.folder, index)
            # A finished run is only checked, which is done where the data are loaded.
            if executor.is_local or is_finished(self._directory(entry)):
                with noting_failure(self.job.folder, index):
                    self._do(entry)
                yield index
                continue
            with noting_failure(self.job.folder, index):
                units.append(self._unit(index, entry))
            if failure_of(self.job.folder, index) is not None:
                yield index
        for unit in executor.do(_apart(units)):
            yield unit.index

    def _directory(self, entry: ComparisonRun) -> Path:
        return run_directory(entry.loaded, self.registry, self.job.folder / "runs")

    def _unit(self, index: int, entry: ComparisonRun) -> tuple[str, RunUnit]:
        """Return the key of a run's uncompressed model, and its description for other processes."""
        run_context = build_run_context(
            entry.loaded, self.registry, dataset_cache=self.dataset_cache
        )
        unit = RunUnit(
            label=entry.label,
            folder=self.job.folder,
            plugins_dir=self.job.plugins_dir,
            index=index,
            directory=self._directory(entry).name,
            asked={
                "variant": entry.variant,
                "density": entry.density,
                "budget": entry.budget,
                "seed": entry.seed,
            },
            spec=UnitSpec.of(run_context),
            invoked=self.job.invoked,
            watch=self.job.watch,
            **unit_settings(run_context),
        )
        return content_key(run_context, method=PLAIN), unit

    def _do(self, entry: ComparisonRun) -> None:
        """Do one run in this process."""
        with self.job.watch(entry) as shown:
            run_spec(
                entry.loaded,
                self.registry,
                runs=self.job.folder / "runs",
                observers=partial(_notify_both, self.observers, shown),
                shared=self.job.folder / "shared",
                dataset_cache=self.dataset_cache,
                invoked=self.job.invoked,
            )


def _apart(units: Sequence[tuple[str, RunUnit]]) -> list[RunUnit]:
    """Return runs in an order that keeps those apart that share an uncompressed model.

    The first trains it. Runs that are at work at the same time would each train it.

    Args:
        units: each with the key of that model.
    """
    count, ranked = Counter[str](), []
    for key, unit in units:
        ranked.append((count[key], unit))
        count[key] += 1
    # Sorting is stable: the first run of each model, then the second, and so on.
    return [unit for _, unit in sorted(ranked, key=itemgetter(0))]


def _notify_both(
    observers: Callable[[Event], None], shown: Callable[[Event], None], event: Event
) -> None:
    observers(event)
    shown(event)


def _done(comparison: Comparison, registry: Registry, folder: Path) -> Iterator[FinishedVariant]:
    for index, entry in enumerate(comparison.entries):
        if failure_of(folder, index) is not None:
            continue  # whatever an earlier attempt left is of other data, files or code
        directory = run_directory(entry.loaded, registry, folder / "runs")
        if is_finished(directory):
            results = read_results(directory)
            yield FinishedVariant(
                variant=entry.variant,
                method=str(entry.loaded.resolved["method"]["type"]),
                density=entry.density,
                budget=entry.budget,
                seed=entry.seed,
                is_plain=entry.loaded.resolved["method"] == PLAIN,
                cost=cost_taken(entry.loaded, results),
                plain_cost=cost_of(entry.loaded, results, 1.0),
                results=results,
            )
