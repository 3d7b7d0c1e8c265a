"""Does all runs of a comparison: in one place, sharing what does not depend on the variant.

- Every run has a directory of its own under ``runs/`` and is an ordinary run: it can be reported,
  verified and picked from, and a comparison that was stopped goes on where it was.
- The uncompressed model of a seed, and reference models, are trained once: they lie in ``shared/``
  under a key of everything that they depend on.
- A run that cannot be finished is reported at the end, and does not stop the others.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from safecompress_core.atomic_writing import write_bytes
from safecompress_core.compare.comparison_table import FinishedVariant
from safecompress_core.compare.training_cost import cost_of, cost_taken
from safecompress_core.data.dataset import Dataset
from safecompress_core.errors import SafeCompressError
from safecompress_core.host import Registry, load_plugins
from safecompress_core.plan import PLAIN
from safecompress_core.results.checksums import is_finished
from safecompress_core.results.command_line import Invocation
from safecompress_core.results.reading import read_results
from safecompress_core.runs.executor import run_units
from safecompress_core.runs.run import run_directory, run_spec
from safecompress_core.specfile.load import compose_spec
from safecompress_core.specfile.models.comparison import Comparison, ComparisonRun, load_comparison
from safecompress_core.specfile.yaml.overrides import Overrides
from safecompress_core.specfile.yaml.source import WrittenSpec

__all__ = ["ComparisonJob", "Failure", "run_comparison"]

Event = Mapping[str, Any]


RunDisplay = Callable[[ComparisonRun], AbstractContextManager[Callable[[Event], None]]]
"""Shows one run: what it yields receives the run's events."""


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
    """A comparison and how it is to be done.

    Attributes:
        spec: its file, or a dictionary as YAML would give it.
        overrides: ``a.b=c``, laid over it; or values by their fields.
        folder: where it is kept.
        plugins_dir: where single-file plugins are.
        allow_code: whether its specs may import code that they name.
        invoked: the command line, which its runs record as theirs; None where Python code asked.
        watch: shows a run while it is done, in whatever process: a function of a module.
    """

    # Dictionaries have no hash; the folder distinguishes jobs.
    spec: WrittenSpec = field(hash=False)
    overrides: Overrides = field(hash=False)
    folder: Path
    plugins_dir: Path | None
    allow_code: bool
    invoked: Invocation | None
    watch: RunDisplay


def run_comparison(
    comparison: Comparison,
    registry: Registry,
    order: ComparisonJob,
    *,
    workers: int,
    report_run: Callable[[ComparisonRun, str | None], None],
    observers: Callable[[Event], None],
    dataset_cache: dict[str, Dataset],
) -> tuple[list[FinishedVariant], list[Failure]]:
    """Do every run that is not done yet.

    Args:
        comparison: what there is to do.
        registry: what its components are made of.
        order: where it came from, so that another process can load it, and where it goes.
        workers: how many runs are done at once.
        report_run: receives each run when it is finished, with the reason where it failed.
        observers: receive the events of runs that are done in this process.
        dataset_cache: data that this process has loaded; each process loads the same data once.

    Returns:
        The finished runs in the comparison's order, and those that failed.
    """
    failures: list[Failure] = []
    indices = range(len(comparison.entries))
    # Processes load everything themselves, as contexts are not picklable.
    if workers > 1:
        do: Callable[[int], None] = partial(_do_elsewhere, order)
    else:
        do = _Runner(comparison, registry, order, dataset_cache, observers).do
    for index in run_units(do, list(indices), workers=workers):
        entry = comparison.entries[index]
        # Reasons travel by file: a worker process returns nothing.
        reason = _reason(order.folder, index)
        report_run(entry, reason)
        if reason is not None:
            failures.append(Failure(label=entry.label, reason=reason))
    return list(_done(comparison, registry, order.folder)), failures


@dataclass(frozen=True)
class _Runner:
    """Runner of the runs of one process."""

    comparison: Comparison
    registry: Registry
    order: ComparisonJob
    dataset_cache: dict[str, Dataset]
    observers: Callable[[Event], None]

    def do(self, index: int) -> None:
        """One run; what stops it is written down instead of stopping the others."""
        folder = self.order.folder
        note = _note(folder, index)
        # A reason of an earlier attempt must not outlive a successful one.
        note.unlink(missing_ok=True)
        entry = self.comparison.entries[index]
        try:
            with self.order.watch(entry) as shown:
                run_spec(
                    entry.loaded,
                    self.registry,
                    runs=folder / "runs",
                    observers=partial(_notify_both, self.observers, shown),
                    shared=folder / "shared",
                    dataset_cache=self.dataset_cache,
                    invoked=self.order.invoked,
                )
        # Only errors meant for the user; a defect of the program stops the comparison.
        except SafeCompressError as error:
            write_bytes(note, str(error).encode())


def _notify_both(
    observers: Callable[[Event], None], shown: Callable[[Event], None], event: Event
) -> None:
    observers(event)
    shown(event)


def _do_elsewhere(order: ComparisonJob, index: int) -> None:
    """The same in a process that has to load everything first."""
    _bench(order).do(index)


@lru_cache(maxsize=1)
def _bench(order: ComparisonJob) -> _Runner:
    registry = load_plugins(plugins_dir=order.plugins_dir).registry
    comparison = load_comparison(
        compose_spec(order.spec, order.overrides), registry=registry, allow_code=order.allow_code
    )
    # One runner for each process, whose loaded data later runs reuse.
    return _Runner(comparison, registry, order, {}, lambda _: None)


def _note(folder: Path, index: int) -> Path:
    return folder / "failed" / f"{index}.txt"


def _reason(folder: Path, index: int) -> str | None:
    note = _note(folder, index)
    return note.read_text(encoding="utf-8") if note.exists() else None


def _done(comparison: Comparison, registry: Registry, folder: Path) -> Iterator[FinishedVariant]:
    for index, entry in enumerate(comparison.entries):
        if _reason(folder, index) is not None:
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
