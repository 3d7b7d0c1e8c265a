"""``safecompress.run``: from a spec to a small model and a verdict."""

from pathlib import Path

from safecompress_core.cli.discovery import discover_plugins
from safecompress_core.cli.outcome import display_of, write_page
from safecompress_core.cli.watched_run import watched_run
from safecompress_core.python.arguments import (
    GivenPath,
    GivenSpec,
    find_spec,
    is_watched,
    optional_path,
    require_workers,
)
from safecompress_core.python.result import Result
from safecompress_core.specfile.load import compose_spec, load_spec
from safecompress_core.specfile.yaml.overrides import Overrides

__all__ = ["run"]


def run(
    spec: GivenSpec,
    *,
    overrides: Overrides = (),
    runs_dir: GivenPath = "runs",
    workers: int = 1,
    allow_code: bool = False,
    plugins_dir: GivenPath | None = None,
    progress: bool | None = None,
) -> Result:
    """Compress a network by a spec, attack it, and audit the result.

    The same as ``safecompress run``, with the same run directory: an interrupted run resumes, a
    finished one is read, whichever of the two began it.

    Args:
        spec: the path of a YAML file, the name of a spec that ships, or a dictionary.
        overrides: ``{"training.epochs": 50}``, or ``["training.epochs=50"]`` as ``--set`` takes it.
        runs_dir: where run directories are made.
        workers: how many processes train reference models; results do not depend on it.
        allow_code: whether the spec may import and run code that it names.
        plugins_dir: a folder of single-file plugins that are loaded as well.
        progress: whether it is shown on standard error; by default where that is a terminal.

    Raises:
        SpecError: with every problem of the spec, also those that only data and model show.
        RunInUseError: if another process is at it.
        RunDirectoryError: if samples, files or code have changed since an earlier attempt.
        TrainingDivergedError: if a loss is no longer a number; the last finished round is kept.
        MissingExtraError: if a component needs a package that is not installed.
    """
    require_workers(workers)
    plugins = optional_path(plugins_dir)
    host = discover_plugins(plugins)
    loaded = load_spec(
        compose_spec(find_spec(spec), overrides),
        registry=host.registry,
        skipped=host.skipped,
        allow_code=allow_code,
    )
    finished = watched_run(
        loaded,
        host,
        runs=Path(runs_dir),
        display=display_of(loaded.spec) if is_watched(progress) else None,
        workers=workers,
        plugins_dir=plugins,
    )
    write_page(finished)
    return Result(
        path=finished.path,
        results=finished.results,
        registry=host.registry,
        allow_code=allow_code,
    )
