"""``safecompress report``: a run's page, written again from its results."""

import json
from pathlib import Path

import click

__all__ = ["report"]


@click.command()
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for machines.")
def report(run: Path, as_json: bool) -> None:
    """Write the report of a finished run again, and print its path.

    One self-contained HTML page. A run writes it by itself; this is for a lost page, or
    for a page of a newer version.

    \b
    Example:
        safecompress report runs/multi-attack-*
    """
    from safecompress_core.report.page import write_report

    place = str(write_report(run))
    click.echo(json.dumps({"report": place}, indent=2) if as_json else place)
