"""``safecompress report``: a run's page, written again from its results, or its summary for CI."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from safecompress_core.cli.options import EXPORTS, json_option

if TYPE_CHECKING:
    from safecompress_core.results.schema import ComparisonResults

__all__ = ["report"]

COMPARISON = "comparison.json"


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
@click.option(
    "--markdown",
    "style",
    flag_value="markdown",
    help="Print verdict, gates and figures as Markdown instead: for the summary of a job.",
)
@click.option(
    "--junit",
    "style",
    flag_value="junit",
    help="Print JUnit XML instead, a test case for each gate and control.",
)
@json_option()
def report(run: Path, exports: Path, style: str | None, as_json: bool) -> None:
    """Write the report of a finished run or audit again, and print its path.

    One self-contained HTML page. A run writes it by itself; this is for a lost page, or
    for a page of a newer version. --markdown and --junit print a summary for continuous
    integration instead, and also take the directory of a comparison.

    \b
    Example:
        safecompress report runs/multi-attack-*
        safecompress report runs/multi-attack-* --markdown >> "$GITHUB_STEP_SUMMARY"
    """
    if style is not None:
        if as_json:
            raise click.UsageError("--json is for the page; take it out, or --markdown and --junit")
        click.echo(_summary(run, style), nl=False)
        return
    if (run / COMPARISON).is_file():
        hint = "its page is comparison.html in it; --markdown or --junit print a summary"
        raise click.UsageError(f"{run} is the directory of a comparison: {hint}")
    from safecompress_core.cli.display.export_table import exports_table, find_exports
    from safecompress_core.report.page import write_report

    table = exports_table(find_exports(exports, run.resolve().name))
    place = str(write_report(run, exports=table))
    click.echo(json.dumps({"report": place}, indent=2) if as_json else place)


def _summary(place: Path, style: str) -> str:
    """Return the summary of a run, an audit or a comparison."""
    from safecompress_core.report.ci.junit import junit_xml
    from safecompress_core.report.ci.markdown import comparison_markdown, results_markdown
    from safecompress_core.results.reading import read_results

    if (place / COMPARISON).is_file():
        record = _read_comparison(place / COMPARISON)
        if style == "markdown":
            return comparison_markdown(record)
        finished = [
            folder
            for folder in sorted((place / "runs").glob("*"))
            if (folder / "results.json").is_file()
        ]
        runs = {folder.name: read_results(folder) for folder in finished}
        return junit_xml(runs, record.failures)
    results = read_results(place)
    return results_markdown(results) if style == "markdown" else junit_xml({results.name: results})


def _read_comparison(file: Path) -> "ComparisonResults":
    from pydantic import ValidationError

    from safecompress_core.errors import RunDirectoryError
    from safecompress_core.results.directory import read_json
    from safecompress_core.results.schema import ComparisonResults, format_errors

    try:
        return ComparisonResults.model_validate(read_json(file))
    except ValidationError as error:
        raise RunDirectoryError(f"{file}: {format_errors(error)}; compare again") from error
