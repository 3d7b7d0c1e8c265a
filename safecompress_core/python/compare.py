"""``safecompress.compare``: variants, densities and seeds of one spec, compared."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import click

from safecompress_core.cli.discovery import discover_plugins
from safecompress_core.cli.display.lines import brief_lines
from safecompress_core.compare.compare_runs import compare_runs
from safecompress_core.compare.preflight_runs import require_all_feasible
from safecompress_core.compare.runner import ComparisonJob, Event
from safecompress_core.data.dataset import Dataset
from safecompress_core.python.arguments import (
    GivenPath,
    GivenSpec,
    find_spec,
    is_watched,
    optional_path,
    require_workers,
)
from safecompress_core.python.comparison_result import ComparisonResult
from safecompress_core.specfile.load import compose_spec
from safecompress_core.specfile.models.comparison import ComparisonRun, load_comparison
from safecompress_core.specfile.yaml.overrides import Overrides

__all__ = ["compare"]


def compare(
    spec: GivenSpec,
    *,
    overrides: Overrides = (),
    into: GivenPath = "comparisons",
    workers: int = 1,
    allow_code: bool = False,
    plugins_dir: GivenPath | None = None,
    progress: bool | None = None,
) -> ComparisonResult:
    """Run every variant of a spec at every density with every seed, and compare them.

    The same as ``safecompress compare``, with the same folder: finished runs are not done again.

    Args:
        spec: the path of a YAML file, the name of a spec that ships, or a dictionary, whose
            ``base`` is found relative to the working directory.
        overrides: ``{"seeds": [1, 2]}``, or ``["seeds=[1, 2]"]`` as ``--set`` takes it.
        into: where the comparison's folder is made.
        workers: how many runs are done at once; results do not depend on it, seconds do.
        allow_code: whether specs may import and run code that they name.
        plugins_dir: a folder of single-file plugins that are loaded as well.
        progress: whether it is shown on standard error; by default where that is a terminal.

    Raises:
        SpecError: with every problem of every run.
        RunDirectoryError: if no run could be finished.
    """
    require_workers(workers)
    host = discover_plugins(optional_path(plugins_dir))
    source = find_spec(spec)
    comparison = load_comparison(
        compose_spec(source, overrides),
        registry=host.registry,
        skipped=host.skipped,
        allow_code=allow_code,
    )
    folder = Path(into) / comparison.spec.name
    dataset_cache: dict[str, Dataset] = {}
    # Before the first run: an infeasible variant would otherwise fail after hours.
    require_all_feasible(comparison, host.registry, folder, dataset_cache)
    is_shown = is_watched(progress)
    job = ComparisonJob(
        spec=source,
        overrides=overrides,
        folder=folder,
        plugins_dir=optional_path(plugins_dir),
        allow_code=allow_code,
        invoked=None,
        watch=brief_lines if is_shown else _show_nothing,
    )
    record = compare_runs(
        comparison,
        host,
        job,
        workers=workers,
        dataset_cache=dataset_cache,
        say=partial(click.echo, err=True) if is_shown else _ignore,
    )
    return ComparisonResult(path=folder, results=record)


@contextmanager
def _show_nothing(_: ComparisonRun) -> Iterator[Callable[[Event], None]]:
    yield _ignore


def _ignore(_: Event | str) -> None:
    """Show nothing."""
