"""Results of a run or an audit as Markdown: for the summary of a job, or a comment."""

import re
from collections.abc import Iterator, Sequence

from safecompress_core.report import audit_only, contents, summary, verdict
from safecompress_core.report.audit_only import swap_findings
from safecompress_core.report.comparison.variants import comparison_verdict
from safecompress_core.report.comparison.variants_text import as_markdown
from safecompress_core.report.summary import Cell, ResultTable
from safecompress_core.report.verdict import Tone, VerdictFinding
from safecompress_core.report.worst_cases import cautions
from safecompress_core.results.schema import ComparisonResults, Results

__all__ = ["comparison_markdown", "results_markdown"]

MARKS: dict[Tone, str] = {"good": "✅", "bad": "❌", "caution": "⚠️", "plain": "ℹ️"}
# What Markdown, HTML or a forge would take for markup, a mention or a reference.
MARKUP = re.compile(r"([\\`*_{}\[\]<>|~#@&!])")
INDENT = "&emsp;"


def results_markdown(results: Results) -> str:
    """Return verdict, gates, controls and figures of a run or an audit.

    Whatever a spec has named is escaped: no name becomes a link, an image or a mention.
    """
    top = audit_only if results.baseline is None else contents
    outcome = verdict.verdict(results)
    headline = top.headline(results)
    blocks = [
        f"## {MARKS[outcome.tone]} {_escape(results.name)}",
        f"**{_escape(outcome.text)}**",
        *([_escape(headline)] if headline else []),
        *_list("Gates", verdict.gates(results)),
        *_list("Checks of the audit itself", _checks(results)),
        "### Figures, with 95 % intervals",
        _table(summary.overview(results)),
        "<details><summary>Every measure</summary>",
        _table(summary.comparison(results)),
        "</details>",
    ]
    return "\n\n".join(blocks) + "\n"


def comparison_markdown(comparison: ComparisonResults) -> str:
    """Return the verdict over all runs of a comparison, and its table."""
    outcome = comparison_verdict(comparison)
    return f"{MARKS[outcome.tone]} **{_escape(outcome.text)}**\n\n{as_markdown(comparison)}"


def _checks(results: Results) -> tuple[VerdictFinding, ...]:
    return (
        *verdict.selectors(results),
        *verdict.inverted_findings(results),
        *verdict.controls(results),
        *verdict.defences(results),
        *verdict.gaps(results),
        *swap_findings(results),
        *cautions(results),
    )


def _list(title: str, findings: Sequence[VerdictFinding]) -> Iterator[str]:
    """Yield a heading and a list; nothing without findings."""
    if findings:
        yield f"### {title}"
        yield "\n".join(f"- {MARKS[one.tone]} {_escape(one.text)}" for one in findings)


def _table(table: ResultTable) -> str:
    head = ["", *map(_escape, table.columns)]
    rows = [_row(row.label, row.note, row.cells, len(table.columns)) for row in table.rows]
    rule = ["---", *["---:"] * len(table.columns)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))


def _row(label: str, note: str, cells: Sequence[Cell], columns: int) -> list[str]:
    # Leading spaces mark a row below a heading, and Markdown would drop them.
    indent = INDENT if label.startswith(" ") else ""
    text = f"{indent}{_escape(label.strip())}"
    if not cells:
        return [f"**{text}**{f' ({_escape(note)})' if note else ''}", *[""] * columns]
    return [text, *(_figure(cell) for cell in cells)]


def _figure(cell: Cell) -> str:
    mark = f" {MARKS['caution']}" if cell.is_caution else ""
    note = f" <sub>{_escape(cell.note)}</sub>" if cell.note else ""
    return f"{_escape(cell.value)}{note}{mark}"


def _escape(text: str) -> str:
    """Return a text in which nothing is markup, on one line."""
    return MARKUP.sub(r"\\\1", " ".join(text.split()))
