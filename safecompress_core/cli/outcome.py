"""Output of ``run`` and ``audit``: progress, tables and exit code."""

import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from safecompress_core.results.checksums import MODEL
from safecompress_core.specfile.checks.spec_checks import AnySpec

if TYPE_CHECKING:
    from safecompress_core.cli.display.observer import Display
    from safecompress_core.runs.run import FinishedRun

__all__ = ["display_of", "print_outcome", "write_page"]

REPORT = "report.html"

logger = logging.getLogger(__name__)


def display_of(spec: AnySpec) -> "Display":
    """A live view in a notebook or on a terminal; otherwise a line for every finished unit."""
    from safecompress_core.cli.display.notebook import NotebookView, is_notebook
    from safecompress_core.cli.display.progress import Outline, Progress

    progress = Progress(Outline.of(spec))
    if is_notebook():
        return NotebookView(progress)
    # Progress goes to standard error, so that decides.
    if sys.stderr.isatty():
        from safecompress_core.cli.display.consoles import error_console

        console = error_console()
        # TERM=dumb cannot move the cursor.
        if not console.is_dumb_terminal:
            from safecompress_core.cli.display.live import LiveView

            return LiveView(progress, console=console)
    from safecompress_core.cli.display.lines import Lines

    return Lines(progress)


def write_page(finished: "FinishedRun") -> Path | None:
    """The page of a finished run or audit, written if it is new, missing or damaged.

    Whatever goes wrong with it, hours of work must not end with a traceback for it.
    """
    from safecompress_core.results.checksums import is_recorded

    try:
        # A page that is intact is kept, with its hash.
        if not finished.is_new and is_recorded(finished.path, REPORT):
            return finished.path / REPORT
        from safecompress_core.report.page import write_report

        return write_report(finished.path)
    # Any error: results are complete, and the page can be written again.
    except Exception as error:
        logger.warning("cannot write the report: %s", error)
        logger.debug("report", exc_info=error)
        return None


def print_outcome(finished: "FinishedRun", report: Path | None, *, as_json: bool) -> None:
    """Results to standard output, and nothing else."""
    if not finished.is_new:
        # To standard error, since standard output holds results alone.
        click.echo(f"{finished.path} was finished before; nothing was done again", err=True)
    if as_json:
        click.echo(json.dumps(finished.results.to_json(), indent=2, ensure_ascii=False))
        return
    from safecompress_core.cli.archive_entries import other_model
    from safecompress_core.cli.display.consoles import output_console
    from safecompress_core.cli.display.tables import print_places, print_summary

    console = output_console(markup=True)
    console.print()
    print_summary(console, finished.results)
    console.print()
    # An audit stores no model.
    model = finished.path / MODEL
    places = {
        **({"model": str(model)} if model.exists() else {}),
        "results": str(finished.path / "results.json"),
        **({"report": str(report)} if report else {}),
    }
    if len(finished.results.archive) > 1:
        places["others"] = other_model(finished.results, finished.path)
    print_places(places)
