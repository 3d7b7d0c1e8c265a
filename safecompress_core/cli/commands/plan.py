"""``safecompress plan``: what a run would do, before anything is loaded."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from safecompress_core.cli.discovery import discover_plugins
from safecompress_core.cli.options import (
    allow_code_option,
    execution_options,
    json_option,
    plugins_dir_option,
    set_option,
)
from safecompress_core.cli.spec_file import SpecFile
from safecompress_core.execution.settings import HERE, Execution
from safecompress_core.specfile.load import compose_spec, load_any_spec, load_spec
from safecompress_core.specfile.models.run_spec import RunSpec

if TYPE_CHECKING:
    from safecompress_core.host import Registry
    from safecompress_core.specfile.load import LoadedSpec

__all__ = ["plan"]

ROUNDS_IN_TABLE, ROUNDS_IN_LINE = 5, 16
"""Rounds whose counts are written one by one."""


@click.command()
@click.argument("spec", type=SpecFile())
@set_option("Change a field of the spec: --set training.epochs=50. May be repeated.")
@click.option(
    "--measure",
    is_flag=True,
    help="Also train a few steps on synthetic samples of the true shape: memory, time per step.",
)
@click.option(
    "--power",
    is_flag=True,
    help="Instead: what the pools can resolve. Loads the data; of an audit's spec as well.",
)
@execution_options("Also measure a step, and plan the training on so many workers.")
@json_option()
@plugins_dir_option
@allow_code_option()
def plan(
    spec: Path,
    *,
    overrides: tuple[str, ...],
    measure: bool,
    power: bool,
    execution: Execution,
    as_json: bool,
    plugins_dir: Path | None,
    allow_code: bool,
) -> None:
    """Show a run in advance: models, epochs, attacks, files, and limits of byte-identity.

    Nothing is loaded or trained, and no torch is needed; with --measure some steps are, on
    synthetic samples, so that a run too large for this machine can still be planned on it.

    With --power the data are loaded and split, and nothing else: which leaks, gates,
    differences and false-positive rates the audit can resolve with so many samples.

    With --workers or --executor a step is measured, and the units of work are scheduled: time,
    utilisation, worker hours, memory and bytes moved. No cluster is needed.

    \b
    Example:
        safecompress plan specs/multi_attack.yaml --set training.epochs=50
        safecompress plan specs/audit_model.yaml --power
        safecompress plan specs/reference_audit.yaml --executor ray --workers 64
    """
    if power and measure:
        raise click.UsageError("give either --measure or --power")
    host = discover_plugins(plugins_dir)
    if power:
        read = compose_spec(spec, overrides)
        loaded = load_any_spec(
            read, registry=host.registry, skipped=host.skipped, allow_code=allow_code
        )
        _show_power(loaded, host.registry, as_json=as_json)
        return
    loaded = load_spec(
        spec,
        overrides=overrides,
        registry=host.registry,
        skipped=host.skipped,
        allow_code=allow_code,
    )
    # Lazy: the help of this command does not need it.
    from safecompress_core.plan import make_plan

    planned = make_plan(loaded, host.registry)
    document: dict[str, Any] = planned.to_json()
    if measure or execution != HERE:
        from safecompress_core.execution.worker_plan import plan_workers
        from safecompress_core.runs.step_timing import measure_step

        document["measured"] = measure_step(loaded, host.registry).to_json()
        document |= _count_samples(document, loaded.spec)
        on_workers = None if execution == HERE else plan_workers(document, execution)
        document["on_workers"] = on_workers and asdict(on_workers)
    if as_json:
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        _print(document)


def _show_power(loaded: "LoadedSpec[Any]", registry: "Registry", *, as_json: bool) -> None:
    from safecompress_core.preflight.pool_power import plan_pools  # slow: torch

    planned = plan_pools(loaded, registry)
    if as_json:
        click.echo(json.dumps(planned.to_json(), indent=2, ensure_ascii=False))
        return
    from safecompress_core.cli.display.power_tables import print_power

    print_power(loaded.spec.name, planned)


def _print(document: dict[str, Any]) -> None:
    from rich.table import Table

    from safecompress_core.cli.display.consoles import output_console

    console = output_console()
    console.print(f"{document['name']}  runs/{document['directory']}", style="bold", soft_wrap=True)
    members = "as many members as the data have" if document["members"] is None else ""
    members = members or f"{document['members']:,} members in {document['steps']:,} steps an epoch"
    console.print(f"{members}, batches of {document['training']['batch_size']}\n")
    table = Table(box=None, padding=(0, 2, 0, 0))
    for title in ("", "models", "epochs", "tested a round", "attackers fitted", "tests"):
        table.add_column(title, justify="left" if not title else "right")
    for job in document["jobs"]:
        table.add_row(
            job["name"],
            _count(job["models"]),
            _count(job["epochs"]),
            _list_counts(job["candidates"], joint="+", most=ROUNDS_IN_TABLE),
            _count(job["fits"]),
            _count(job["tests"]),
        )
    table.add_row("in all", "", _count(document["epochs"]), style="bold")
    console.print(table)
    for job in document["jobs"]:
        if job["field"]:
            console.print(f"\n{_describe_field(job)}")
    if "measured" in document:
        _print_measured(console, document)
    else:
        console.print("\nHow long it takes: add --measure, which trains a few steps here.")
    for warning in document["warnings"]:
        console.print(f"\nwarning: {warning}")
    console.print("\nThe same spec may give other bytes:", style="bold")
    for caveat in document["caveats"]:
        console.print(f"· {caveat}")
    console.print(f"\nFiles: {', '.join(document['files'])}")


def _count_samples(document: dict[str, Any], spec: RunSpec) -> dict[str, int]:
    """Members and steps, if the plan does not know them and the samples were loaded."""
    samples, share = document["measured"]["samples"], spec.pools.members
    if document["members"] is not None or samples is None or not isinstance(share, float):
        return {}
    # round(), as pools do.
    members = round(share * samples)
    return {"members": members, "steps": -(-members // spec.training.batch_size)}


def _count(number: int | None) -> str:
    return "?" if number is None else f"{number:,}" if number else ""


def _list_counts(counts: Sequence[int], *, joint: str, most: int) -> str:
    """List the counts of all rounds; of more than ``most``, equal ones once with how many."""
    if len(counts) <= most:
        return joint.join(map(str, counts))
    runs = [(len(list(same)), count) for count, same in groupby(counts)]
    return joint.join(f"{times}×{count}" if times > 1 else str(count) for times, count in runs)


def _describe_field(job: Mapping[str, Any]) -> str:
    """Describe the lineages of each round, and the cost of the rounds."""
    widths = "1 lineage"
    if max(job["field"]) > 1:
        widths = f"{_list_counts(job['field'], joint=', ', most=ROUNDS_IN_LINE)} lineages"
    twins = " with twins" if job["twins"] else ""
    noun = "training" if job["trainings"] == 1 else "trainings"
    return f"field: {widths}; {job['trainings']:.3g} {noun}{twins}"


def _print_measured(console: Any, document: dict[str, Any]) -> None:
    from safecompress_core.report.formatting import duration, size

    timing = document["measured"]
    steps = document["epochs"] and document["steps"] and document["epochs"] * document["steps"]
    console.print(f"\nMeasured on {timing['device']}, {timing['threads']} threads", style="bold")
    console.print(
        f"{timing['parameters']:,} parameters, {timing['multiplications']:,} multiplications a "
        f"sample, {timing['precision']}"
    )
    console.print(
        f"a step of {timing['batch_size']} samples: {timing['step_seconds']:.3g} s; observing "
        f"them: {timing['observing_seconds']:.3g} s; peak memory: {size(timing['peak_bytes'])}"
    )
    if steps:
        seconds = duration(steps * timing["step_seconds"])
        console.print(f"all training at this pace: {seconds} (attacks not counted)")
    if document["on_workers"]:
        _print_workers(console, document["on_workers"])


def _print_workers(console: Any, planned: Mapping[str, Any]) -> None:
    from safecompress_core.report.formatting import duration, size

    console.print(f"\nOn {planned['workers']} workers ({planned['executor']})", style="bold")
    console.print(
        f"{planned['units']:,} units: {duration(planned['seconds'])}; with any number of workers "
        f"{duration(planned['critical'])} at least; workers are busy {planned['utilisation']:.0%} "
        f"of the time; {planned['worker_hours']:.3g} worker hours"
    )
    console.print(
        f"memory: {size(planned['bytes_a_worker'])} a worker; moved: {size(planned['bytes_moved'])}"
    )
