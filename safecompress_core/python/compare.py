"""``safecompress.compare``: variants, densities and seeds of one spec, compared."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import click

from safecompress_core.cli.display.lines import brief_lines
from safecompress_core.cli.display.notebook import NotebookLines, is_notebook
from safecompress_core.compare.compare_runs import compare_runs
from safecompress_core.compare.preflight_runs import require_all_feasible
from safecompress_core.compare.run_unit import Event, RunDisplay
from safecompress_core.compare.runner import ComparisonJob
from safecompress_core.data.dataset import Dataset
from safecompress_core.execution.settings import ExecutorName
from safecompress_core.python.arguments import GivenPath, GivenSpec, execution_of, is_watched
from safecompress_core.python.comparison_result import ComparisonResult
from safecompress_core.python.opened_spec import open_spec
from safecompress_core.specfile.models.comparison import ComparisonRun, load_comparison
from safecompress_core.specfile.yaml.overrides import Overrides

__all__ = ["compare"]


def compare(
    spec: GivenSpec,
    *,
    data: Any = None,
    model: Any = None,
    overrides: Overrides = (),
    into: GivenPath = "comparisons",
    workers: int = 1,
    executor: ExecutorName | None = None,
    address: str | None = None,
    devices: Sequence[int] = (),
    resources: Mapping[str, float] | None = None,
    allow_code: bool = False,
    plugins_dir: GivenPath | None = None,
    progress: bool | None = None,
) -> ComparisonResult:
    """Run every variant of a spec at every density with every seed, and compare them.

    The same as ``safecompress compare``, with the same folder: finished runs are not done again.

    Args:
        spec: the path of a YAML file, the name of a spec that ships, or a dictionary, whose
            ``base`` is found relative to the working directory.
        data: samples of all runs, as `safecompress.run` takes them.
        model: a network of all runs, likewise.
        overrides: ``{"seeds": [1, 2]}``, or ``["seeds=[1, 2]"]`` as ``--set`` takes it.
        into: where the comparison's folder is made.
        workers: how many runs are done at once; results do not depend on it, seconds do.
        executor: ``local``, ``processes`` or ``ray``; by default processes if workers are several.
        address: of a Ray cluster, or ``auto``; by default one is started on this machine.
        devices: CUDA devices that processes are pinned to, in turn.
        resources: ``{"gpu": 0.25}`` has four units share a GPU of the Ray cluster.
        allow_code: whether specs may import and run code that they name.
        plugins_dir: a folder of single-file plugins that are loaded as well.
        progress: whether it is shown; by default in a notebook, and where standard error is a
            terminal.

    Raises:
        SpecError: with every problem of every run.
        DataError: if samples do not fit each other.
        ModelError: if the model is of no known form, or a module that cannot be drawn anew.
        RunDirectoryError: if no run could be finished.
        ExecutionError: if the settings of execution do not fit each other, or a cluster does not
            answer, or has other packages or too few devices.
    """
    execution = execution_of(
        executor, workers=workers, address=address, devices=devices, resources=resources
    )
    with open_spec(
        spec,
        data=data,
        model=model,
        overrides=overrides,
        execution=execution,
        plugins_dir=plugins_dir,
        within=("changes",),
    ) as opened:
        host = opened.host
        comparison = load_comparison(
            opened.composed,
            registry=host.registry,
            skipped=host.skipped,
            allow_code=allow_code,
        )
        folder = Path(into) / comparison.spec.name
        dataset_cache: dict[str, Dataset] = {}
        # Before the first run: an infeasible variant would otherwise fail after hours.
        require_all_feasible(comparison, host.registry, folder, dataset_cache)
        watch, say = _progress_shown(is_watched(progress))
        job = ComparisonJob(
            folder=folder, plugins_dir=opened.plugins_dir, invoked=None, watch=watch
        )
        record = compare_runs(
            comparison,
            host,
            job,
            execution=execution,
            dataset_cache=dataset_cache,
            say=say,
        )
    return ComparisonResult(path=folder, results=record)


def _progress_shown(is_shown: bool) -> tuple[RunDisplay, Callable[[str], None]]:  # noqa: FBT001
    """Return what shows each run, and what shows a line for each that is finished."""
    if not is_shown:
        return _show_nothing, _ignore
    if is_notebook():
        # One output of the cell: runs are too many for a view each.
        return _show_nothing, NotebookLines().write
    return brief_lines, partial(click.echo, err=True)


@contextmanager
def _show_nothing(_: ComparisonRun) -> Iterator[Callable[[Event], None]]:
    yield _ignore


def _ignore(_: Event | str) -> None:
    """Show nothing."""
