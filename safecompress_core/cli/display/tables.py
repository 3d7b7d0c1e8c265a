"""Draws tables and findings for a terminal or a plain file, 80 columns wide or more."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from rich import box
from rich.console import Console
from rich.table import Table as Drawing
from rich.text import Text

from safecompress_core.report import summary, verdict
from safecompress_core.report.audit_only import swap_findings
from safecompress_core.report.details_table import membership_details_table
from safecompress_core.report.formatting import duration
from safecompress_core.report.guesses import guesses
from safecompress_core.report.race.lineages_table import lineages_table
from safecompress_core.report.selection import selection_findings
from safecompress_core.report.summary import Cell, ResultTable, Row
from safecompress_core.report.verdict import VerdictFinding
from safecompress_core.report.worst_cases import cautions
from safecompress_core.results.schema import Results

__all__ = ["draw_table", "draw_verdict", "print_findings", "print_places", "print_summary"]

MARKS = {
    "good": ("✓", "green"),
    "bad": ("✗", "red"),
    "caution": ("!", "yellow"),
    "plain": ("·", "dim"),
}


def print_summary(console: Console, results: Results) -> None:
    """Everything that a person should know of a finished run."""
    seconds = duration(results.seconds.total)
    title = Text(results.name, style="bold").append(
        f"  seed {results.seed}, {seconds} of work", style="dim not bold"
    )
    console.print(title)
    tables = (
        summary.comparison(results),
        membership_details_table(results),
        summary.archive_ends(results),
        summary.phases(results),
        summary.finishing(results),
        lineages_table(results),
    )
    for table in tables:
        if table:
            console.print()
            console.print(draw_table(table))
    apart = summary.separability(results)
    console.print()
    if apart:
        console.print(draw_table(apart))
        console.print()
    # Selection first, since the figures below depend on it.
    print_findings(console, (*selection_findings(results), *verdict.gaps(results)))
    guards = (
        *verdict.selectors(results),
        *verdict.inverted_findings(results),
        *verdict.controls(results),
    )
    sentences = (*verdict.defences(results), *guesses(results))
    owners = tuple(swap_findings(results))
    checks = (*sentences, *guards, *owners, *cautions(results), *verdict.gates(results))
    print_findings(console, checks)
    console.print(draw_verdict(verdict.verdict(results)))


def print_findings(console: Console, findings: Sequence[VerdictFinding]) -> None:
    """One finding a line, with a mark, wrapped next to it; and an empty line after them."""
    if not findings:
        return
    grid = Drawing.grid(padding=(0, 1, 0, 0))
    for finding in findings:
        mark, style = MARKS[finding.tone]
        grid.add_row(Text(mark, style=style), Text(finding.text))
    console.print(grid)
    console.print()


def draw_verdict(finding: VerdictFinding) -> Text:
    """The last line of a summary."""
    # A plain verdict has no colour of its own.
    style = "bold" if finding.tone == "plain" else f"bold {MARKS[finding.tone][1]}"
    return Text(finding.text, style=style)


def print_places(places: Mapping[str, Path | str]) -> None:
    """Print paths; they are never folded, so that they can be copied."""
    # Aligned by the longest name.
    width = max(map(len, places))
    for name, place in places.items():
        click.echo(f"{name:{width}}  {place}")


def draw_table(table: ResultTable) -> Drawing:
    """A table with its title above and headings in bold."""
    drawing = Drawing(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 2, 0, 0),
        title=Text(table.title, style="bold"),
        title_justify="left",
        header_style="dim",
        # A table without titles has no header line.
        show_header=any(table.columns),
    )
    drawing.add_column("")
    for column in table.columns:
        # A name that is cut would not be known again.
        drawing.add_column(column, overflow="fold")
    for row in table.rows:
        drawing.add_row(_label(row), *(_figure(cell) for cell in row.cells))
    return drawing


def _label(row: Row) -> Text:
    if not row.is_heading:
        return Text(row.label)
    return Text(row.label, style="bold").append(
        f" ({row.note})" if row.note else "", style="dim not bold"
    )


def _figure(cell: Cell) -> Text:
    style = MARKS["caution"][1] if cell.is_caution else ""
    return Text(cell.value, style=style).append(f" {cell.note}" if cell.note else "", style="dim")
