"""``safecompress report``: a run's page, written again from its results."""

import json
from pathlib import Path

import click

from safecompress_core.cli.options import EXPORTS, json_option

__all__ = ["report"]


@click.command()
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--exports",
    type=click.Path(file_okay=False, path_type=Path),
    default=EXPORTS,
    show_default=True,
    metavar="DIRECTORY",
    help="Where exports of the run are; the report has a section of them.",
)
@json_option()
def report(run: Path, exports: Path, as_json: bool) -> None:
    """Write the report of a finished run again, and print its path.

    One self-contained HTML page. A run writes it by itself; this is for a lost page, or
    for a page of a newer version.

    \b
    Example:
        safecompress report runs/multi-attack-*
    """
    from safecompress_core.cli.display.export_table import exports_table, find_exports
    from safecompress_core.report.page import write_report

    table = exports_table(find_exports(exports, run.resolve().name))
    place = str(write_report(run, exports=table))
    click.echo(json.dumps({"report": place}, indent=2) if as_json else place)
