"""A verdict and a short table, as text and as HTML for a notebook, without any script."""

from collections.abc import Iterator
from html import escape
from pathlib import Path

from safecompress_core.report.summary import Cell, ResultTable, Row
from safecompress_core.report.verdict import VerdictFinding

__all__ = ["as_html", "as_lines"]

MARKS = {"good": "✓", "bad": "✗", "caution": "!", "plain": "·"}
NOTE = "opacity: 0.6"


def as_html(verdict: VerdictFinding, table: ResultTable, place: Path) -> str:
    """Return verdict, figures and directory; whatever a spec or a plugin names is escaped."""
    head = "".join(f"<th>{_lines(column)}</th>" for column in ("", *table.columns))
    rows = "".join(_html_row(row, len(table.columns)) for row in table.rows)
    return (
        f"<div><p><strong>{MARKS[verdict.tone]} {escape(verdict.text)}</strong></p>"
        f"<table><caption>{escape(table.title)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
        f"<p><code>{escape(str(place))}</code></p></div>"
    )


def as_lines(verdict: VerdictFinding, table: ResultTable, place: Path) -> str:
    """Return the same as a few lines of text."""
    width = max((len(row.label) for row in table.rows), default=0)
    columns = " | ".join(" ".join(column.split()) for column in table.columns)
    lines = [verdict.text, f"{table.title}: {columns}"]
    lines += [_text_row(row, width) for row in table.rows]
    return "\n".join((*lines, str(place)))


def _html_row(row: Row, columns: int) -> str:
    label = escape(row.label)
    if row.is_heading:
        note = f" ({escape(row.note)})" if row.note else ""
        return f'<tr><th colspan="{columns + 1}">{label}{note}</th></tr>'
    return f"<tr><td>{label}</td>{''.join(map(_html_cell, row.cells))}</tr>"


def _html_cell(cell: Cell) -> str:
    note = f' <span style="{NOTE}">{escape(cell.note)}</span>' if cell.note else ""
    return f"<td>{escape(cell.value)}{note}</td>"


def _lines(text: str) -> str:
    return "<br>".join(escape(line) for line in text.splitlines())


def _text_row(row: Row, width: int) -> str:
    if row.is_heading:
        return f"  {row.label}"
    return f"  {row.label:{width}}  {' | '.join(_texts(row.cells))}"


def _texts(cells: tuple[Cell, ...]) -> Iterator[str]:
    for cell in cells:
        yield f"{cell.value} ({cell.note})" if cell.note else cell.value
