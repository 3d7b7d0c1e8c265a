"""``safecompress run``: from a spec to a small model and a verdict."""

from pathlib import Path

import click

from safecompress_core.cli.command_line import invocation
from safecompress_core.cli.discovery import discover_plugins
from safecompress_core.cli.options import (
    allow_code_option,
    device_option,
    execution_options,
    json_option,
    parent_option,
    plugins_dir_option,
    set_option,
    with_device,
)
from safecompress_core.cli.outcome import display_of, print_outcome, write_page
from safecompress_core.cli.spec_file import SpecFile
from safecompress_core.cli.watched_run import watched_run
from safecompress_core.execution.settings import Execution
from safecompress_core.specfile.load import load_spec
from safecompress_core.training.rank import launched_rank

__all__ = ["run"]

GATE_FAILED = 1


@click.command()
@click.argument("spec", type=SpecFile())
@set_option("Change a field of the spec: --set training.epochs=50. May be repeated.")
@device_option
@parent_option("--runs-dir", default="runs", description="Parent of run directories.")
@execution_options("Number of units of work at once; results do not depend on it.")
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
    execution: Execution,
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
    rank = launched_rank()
    if rank.size > 1 and execution.name != "local":
        raise click.UsageError(
            f"the executor is {execution.name}, and a launcher has started {rank.size} processes "
            "that train each model together; leave out --workers and --executor, or the launcher"
        )
    host = discover_plugins(plugins_dir)
    loaded = load_spec(
        spec,
        overrides=with_device(overrides, device),
        registry=host.registry,
        skipped=host.skipped,
        allow_code=allow_code,
    )
    finished = watched_run(
        loaded,
        host,
        runs=runs_dir,
        display=display_of(loaded.spec) if rank.is_leader else None,
        execution=execution,
        plugins_dir=plugins_dir,
        invoked=invocation(context),
    )
    if not rank.is_leader:
        return
    # The report first, so that its path is part of the output.
    print_outcome(finished, write_page(finished), as_json=as_json)

    from safecompress_core.report.verdict import is_good

    if not is_good(finished.results):
        context.exit(GATE_FAILED)
