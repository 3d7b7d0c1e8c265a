"""``safecompress run``: from a spec to a small model and a verdict."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from safecompress_core.cli.command_line import invocation
from safecompress_core.cli.discovery import discover_plugins
from safecompress_core.cli.options import (
    allow_code_option,
    device_option,
    json_option,
    parent_option,
    plugins_dir_option,
    set_option,
    with_device,
    workers_option,
)
from safecompress_core.cli.outcome import display_of, print_outcome, write_page
from safecompress_core.cli.spec_file import SpecFile
from safecompress_core.errors import TrainingDivergedError
from safecompress_core.specfile.load import LoadedSpec, load_spec

if TYPE_CHECKING:
    from safecompress_core.host import PluginHost
    from safecompress_core.results.command_line import Invocation
    from safecompress_core.runs.run import FinishedRun

__all__ = ["run"]

GATE_FAILED = 1


@click.command()
@click.argument("spec", type=SpecFile())
@set_option("Change a field of the spec: --set training.epochs=50. May be repeated.")
@device_option
@parent_option("--runs-dir", default="runs", description="Parent of run directories.")
@workers_option("Number of processes that train reference models; results do not depend on it.")
@json_option("Print the results as JSON.")
@allow_code_option()
@plugins_dir_option
@click.pass_context
def run(
    context: click.Context,
    *,
    spec: Path,
    overrides: tuple[str, ...],
    device: str | None,
    runs_dir: Path,
    workers: int,
    as_json: bool,
    allow_code: bool,
    plugins_dir: Path | None,
) -> None:
    """Compress a network by a spec, attack it, and audit the result.

    Prints a table and a verdict; progress goes to standard error. An interrupted run resumes; a
    finished one is only shown again.

    Exit code 0 if every gate of the spec is met, 1 if one is missed or a control failed.

    \b
    Example:
        safecompress run specs/multi_attack.yaml --set seed=19
    """
    host = discover_plugins(plugins_dir)
    loaded = load_spec(
        spec,
        overrides=with_device(overrides, device),
        registry=host.registry,
        skipped=host.skipped,
        allow_code=allow_code,
    )
    finished = _done(
        loaded,
        host,
        runs_dir,
        workers=workers,
        plugins_dir=plugins_dir,
        invoked=invocation(context),
    )
    # The report first, so that its path is part of the output.
    print_outcome(finished, write_page(finished), as_json=as_json)

    from safecompress_core.report.verdict import is_good

    if not is_good(finished.results):
        context.exit(GATE_FAILED)


def _done(
    loaded: LoadedSpec,
    host: "PluginHost",
    runs: Path,
    *,
    workers: int,
    plugins_dir: Path | None,
    invoked: "Invocation",
) -> "FinishedRun":
    """Do the work, watched by a display."""
    with display_of(loaded.spec) as display:
        # Imported inside, so that the display is up while torch loads.
        from safecompress_core.runs.run import run_directory, run_spec  # slow: torch

        host.add_observer("terminal display", display)
        try:
            return run_spec(
                loaded,
                host.registry,
                runs=runs,
                observers=host.notify,
                workers=workers,
                plugins_dir=plugins_dir,
                invoked=invoked,
            )
        except TrainingDivergedError as error:
            checkpoint = _describe_checkpoint(run_directory(loaded, host.registry, runs))
            raise TrainingDivergedError(f"{error}\n{checkpoint}") from error


def _describe_checkpoint(directory: Path) -> str:
    """Return what an interrupted run has kept, and its path."""
    checkpoints = {
        # Numeric: round-10 follows round-9.
        int(record.parent.name.removeprefix("round-")): record.parent
        for record in (directory / "checkpoints").rglob("round-*/record.json")
    }
    if not checkpoints:
        return f"no round was finished; what there is lies in {directory}"
    last = max(checkpoints)
    return f"the last finished round, {last}, is kept in {checkpoints[last]}"
