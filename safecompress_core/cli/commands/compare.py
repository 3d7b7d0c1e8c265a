"""Command ``safecompress compare``: variants, densities and seeds of one spec, compared."""

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from safecompress_core.cli.command_line import invocation
from safecompress_core.cli.discovery import discover_plugins
from safecompress_core.cli.options import (
    allow_code_option,
    execution_options,
    json_option,
    parent_option,
    plugins_dir_option,
    set_option,
)
from safecompress_core.cli.spec_file import SpecFile
from safecompress_core.execution.settings import Execution, begin_to_start
from safecompress_core.specfile.models.comparison import Comparison, load_comparison

if TYPE_CHECKING:
    from safecompress_core.compare.comparison_plan import ComparisonPlan
    from safecompress_core.data.dataset import Dataset
    from safecompress_core.host import PluginHost
    from safecompress_core.results.schema import ComparisonResults
    from safecompress_core.runs.step_timing import StepTiming

__all__ = ["compare"]

UNFINISHED = 2
NARROW = 120


@click.command()
@click.argument("spec", type=SpecFile())
@set_option("Change a field of the comparison: --set changes.training.epochs=50. May be repeated.")
@parent_option("--into", default="comparisons", description="Parent of the comparison's folder.")
@execution_options("Number of parallel runs; results do not depend on it, seconds do.")
@click.option("--dry-run", is_flag=True, help="Only show the work and its size.")
@json_option()
@allow_code_option()
@plugins_dir_option
@click.pass_context
def compare(
    context: click.Context,
    *,
    spec: Path,
    overrides: tuple[str, ...],
    into: Path,
    execution: Execution,
    dry_run: bool,
    as_json: bool,
    allow_code: bool,
    plugins_dir: Path | None,
) -> None:
    """Run every variant of a spec at every density with every seed, and compare them.

    Shared parts of runs are trained once. An interrupted comparison resumes, and an additional
    variant runs alone. Exit code 2 if a run could not be
    finished; the table then shows the others.

    \b
    Example:
        safecompress compare specs/desk/handwriting.yaml --dry-run
    """
    host = discover_plugins(plugins_dir)
    comparison = load_comparison(
        spec,
        overrides=overrides,
        registry=host.registry,
        skipped=host.skipped,
        allow_code=allow_code,
    )
    folder = into / comparison.spec.name
    if not dry_run:
        begin_to_start(execution)
    # Here and not above: these imports load torch, which --help and wrong specs need not wait for.
    from safecompress_core.compare.preflight_runs import changes_of_finished, require_all_feasible

    dataset_cache: dict[str, Dataset] = {}
    # Before the first run: an infeasible variant would otherwise fail after hours.
    require_all_feasible(comparison, host.registry, folder, dataset_cache)
    # After the checks, so that a dry run reports what a real one would.
    if dry_run:
        changed = changes_of_finished(comparison, host.registry, folder, dataset_cache)
        _plan(comparison, host, folder, changed, as_json=as_json)
        return
    from safecompress_core.cli.display.lines import brief_lines
    from safecompress_core.compare.compare_runs import compare_runs
    from safecompress_core.compare.runner import ComparisonJob

    job = ComparisonJob(
        folder=folder,
        plugins_dir=plugins_dir,
        invoked=invocation(context),
        watch=brief_lines,
    )
    record = compare_runs(
        comparison,
        host,
        job,
        execution=execution,
        dataset_cache=dataset_cache,
        # To standard error: standard output holds results alone.
        say=partial(click.echo, err=True),
    )
    _print(record, folder, as_json=as_json)
    if record.failures:
        context.exit(UNFINISHED)


def _print(record: "ComparisonResults", folder: Path, *, as_json: bool) -> None:
    """Results to standard output, and nothing else."""
    if as_json:
        click.echo(json.dumps(record.to_json(), indent=2, ensure_ascii=False))
        return
    from safecompress_core.cli.display.comparison_tables import draw_variants
    from safecompress_core.cli.display.consoles import output_console
    from safecompress_core.cli.display.tables import draw_verdict, print_places
    from safecompress_core.report.comparison.variants import comparison_verdict, legend

    console = output_console()
    console.print()
    console.print(draw_variants(record, with_intervals=console.width >= NARROW))
    console.print()
    for sentence in legend(record):
        console.print(sentence, style="dim")
    console.print(draw_verdict(comparison_verdict(record)))
    for failure in record.failures:
        console.print(f"not finished: {failure.label}: {failure.reason}", style="red")
    console.print()
    names = {"results": "json", "table": "md", "LaTeX": "tex", "figures": "csv", "report": "html"}
    print_places({name: folder / f"comparison.{suffix}" for name, suffix in names.items()})


def _plan(
    comparison: Comparison,
    host: "PluginHost",
    folder: Path,
    changed: dict[str, tuple[str, ...]],
    *,
    as_json: bool,
) -> None:
    from safecompress_core.compare.comparison_plan import plan_comparison
    from safecompress_core.runs.step_timing import measure_step

    plan = plan_comparison(comparison, host.registry, folder, changed=changed)
    # Measured on the first run alone: an estimate, since variants may differ.
    pace = measure_step(comparison.entries[0].loaded, host.registry)
    if as_json:
        document = {**plan.to_json(), "measured": pace.to_json(), "seconds": _seconds(plan, pace)}
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return
    _print_plan(plan, pace)


def _seconds(plan: "ComparisonPlan", pace: "StepTiming") -> float | None:
    """All training at the measured pace."""
    if plan.epochs is None or plan.steps is None:
        return None
    return plan.epochs * plan.steps * pace.step_seconds


def _print_plan(plan: "ComparisonPlan", pace: "StepTiming") -> None:
    from rich.table import Table

    from safecompress_core.cli.display.consoles import output_console
    from safecompress_core.report.formatting import duration

    console = output_console()
    table = Table(box=None, padding=(0, 2, 0, 0))
    figures = ("trainings", "epochs", "tests")
    for title in ("run", *figures, ""):
        table.add_column(title, justify="right" if title in figures else "left")
    for run in plan.runs:
        counts = ("?" if count is None else f"{count:,}" for count in (run.epochs, run.tests))
        # Stale wins: a finished run of a changed spec has to be done again.
        state = "stale" if run.changed else "done" if run.is_done else ""
        cost = "?" if run.trainings is None else f"{run.trainings:.3g}"
        table.add_row(run.label, cost, *counts, state)
    table.add_row("shared by the runs of a seed", "", f"{plan.shared_epochs:,}", "", "")
    console.print(plan.name, style="bold")
    console.print(table)
    for note in plan.notes:
        console.print(f"note: {note}")
    for run in plan.runs:
        if run.changed:
            click.echo(
                f"stale: {run.label}: changed since it began: {', '.join(run.changed)}; remove "
                f"runs/{run.directory} of this comparison to have it done again"
            )
    seconds = _seconds(plan, pace)
    left = "?" if plan.epochs is None else f"{plan.epochs:,}"
    console.print(f"\n{left} epochs are left, at {pace.step_seconds:.3g} s a step on {pace.device}")
    if seconds is not None:
        console.print(f"all training at this pace: {duration(seconds)} (attacks not counted)")
