"""``safecompress run``: from a spec to a small model and a verdict."""

import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from safecompress_core.cli.discovery import (
    allow_code_option,
    discovered_plugins,
    plugins_dir_option,
)
from safecompress_core.errors import TrainingDivergedError
from safecompress_core.spec.load import LoadedSpec, load_spec

if TYPE_CHECKING:
    from safecompress_core.cli.display.observer import Display
    from safecompress_core.engine.run import FinishedRun
    from safecompress_core.host import PluginHost

__all__ = ["run"]

GATE_FAILED = 1
REPORT = "report.html"

logger = logging.getLogger(__name__)


@click.command()
@click.argument("spec", type=click.Path(path_type=Path))
@click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Change a field of the spec: --set training.epochs=50. May be repeated.",
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    help="Where to compute; the same as --set device=...",
)
@click.option(
    "--runs-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default="runs",
    show_default=True,
    help="Where run directories are made.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How many processes train reference models at once; results do not depend on it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@allow_code_option
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
    """Compress a network as a spec says, attack it, and audit what comes out.

    Prints a table and a verdict; progress goes to standard error. A run that was interrupted goes
    on where it stopped; one that is finished is only shown again.

    Exit code 0 if every gate of the spec is met, 1 if one is missed or a control failed.

    \b
    Example:
        safecompress run specs/multi_attack.yaml --set seed=19
    """
    host = discovered_plugins(plugins_dir)
    changes = (*overrides, *([f"device={device}"] if device else []))
    loaded = load_spec(
        spec,
        overrides=changes,
        registry=host.registry,
        skipped=host.skipped,
        allow_code=allow_code,
    )
    finished = _done(loaded, host, runs_dir, workers=workers, plugins_dir=plugins_dir)
    report = _reported(finished)
    _print(finished, report, as_json=as_json)

    from safecompress_core.report.verdict import is_good

    if not is_good(finished.results):
        context.exit(GATE_FAILED)


def _done(
    loaded: LoadedSpec, host: "PluginHost", runs: Path, *, workers: int, plugins_dir: Path | None
) -> "FinishedRun":
    """Do the work, watched by a display."""
    from safecompress_core.engine.run import run_directory, run_spec

    with _display(loaded) as display:
        host.add_observer("terminal display", display)
        try:
            return run_spec(
                loaded,
                host.registry,
                runs=runs,
                observers=host.notify,
                workers=workers,
                plugins_dir=plugins_dir,
            )
        except TrainingDivergedError as error:
            kept = _kept(run_directory(loaded, host.registry, runs))
            raise TrainingDivergedError(f"{error}\n{kept}") from error


def _display(loaded: LoadedSpec) -> "Display":
    """A live view on a terminal that can be redrawn; otherwise a line for every finished unit."""
    from safecompress_core.cli.display.progress import Outline, Progress

    progress = Progress(Outline.of(loaded.spec))
    if sys.stderr.isatty():
        from rich.console import Console

        console = Console(stderr=True)
        if not console.is_dumb_terminal:
            from safecompress_core.cli.display.live import LiveView

            return LiveView(progress, console=console)
    from safecompress_core.cli.display.lines import Lines

    return Lines(progress)


def _kept(directory: Path) -> str:
    """What a run that had to stop has kept, and where."""
    kept = {
        int(record.parent.name.removeprefix("round-")): record.parent
        for record in (directory / "checkpoints").rglob("round-*/record.json")
    }
    if not kept:
        return f"no round was finished; what there is lies in {directory}"
    last = max(kept)
    return f"the last finished round, {last}, is kept in {kept[last]}"


def _reported(finished: "FinishedRun") -> Path | None:
    """The page of the run, written if it is new or missing.

    Whatever goes wrong with it, hours of work must not end with a traceback for it.
    """
    place = finished.path / REPORT
    if not finished.is_new and place.exists():
        return place
    try:
        from safecompress_core.report.page import write_report

        return write_report(finished.path)
    except Exception as error:
        logger.warning("cannot write the report: %s", error)
        logger.debug("report", exc_info=error)
        return None


def _print(finished: "FinishedRun", report: Path | None, *, as_json: bool) -> None:
    """Results to standard output, and nothing else."""
    if not finished.is_new:
        click.echo(f"{finished.path} was finished before; nothing was done again", err=True)
    if as_json:
        click.echo(json.dumps(finished.results, indent=2, ensure_ascii=False))
        return
    from rich.console import Console

    from safecompress_core.cli.display.tables import print_places, print_summary

    console = Console(file=sys.stdout, highlight=False)
    console.print()
    print_summary(console, finished.results)
    console.print()
    places = {
        "model": str(finished.path / "model" / "model.safetensors"),
        "results": str(finished.path / "results.json"),
        **({"report": str(report)} if report else {}),
    }
    if len(finished.results["archive"]) > 1:
        places["others"] = f"safecompress pick {finished.path} --prefer safety"
    print_places(places)
