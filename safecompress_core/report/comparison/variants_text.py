"""A comparison as text that goes elsewhere: Markdown, LaTeX, and CSV with every figure."""

import csv
from collections.abc import Iterator
from io import StringIO
from typing import Any

from safecompress_core.report.behaviours.matrix import ChangeCell, ChangeMatrix, change_matrix
from safecompress_core.report.comparison.variants import (
    COLUMNS,
    Figure,
    Variant,
    legend,
    variant_table,
)
from safecompress_core.results.schema import (
    UNDECIDED,
    ComparisonResults,
    SummaryRecord,
    VariantRecord,
)

__all__ = ["as_csv", "as_latex", "as_markdown"]

ESCAPED = str.maketrans({"%": r"\%", "_": r"\_", "&": r"\&", "#": r"\#", "×": r"$\times$"})


def as_markdown(comparison: ComparisonResults) -> str:
    """The table with what is needed to get it again."""
    table = variant_table(comparison)
    head = ["#", "variant", "density", *table.columns, "time", "front"]
    lines = [
        f"# {comparison.name}",
        "",
        *_provenance(comparison),
        "",
        _escape_pipes(head),
        _escape_pipes(["---"] * len(head)),
        *(_escape_pipes(_markdown_row(row)) for row in table.rows),
        "",
        *(f"- {sentence}" for sentence in legend(comparison)),
        *_changes(change_matrix(comparison)),
        *_failures(comparison),
    ]
    return "\n".join(lines) + "\n"


def _provenance(comparison: ComparisonResults) -> Iterator[str]:
    if comparison.command is not None:
        yield "```console"
        yield f"$ {comparison.command}"
        yield "```"
        yield ""
    packages: Any = comparison.environment["packages"]
    versions = ", ".join(f"{name} {packages[name]}" for name in ("safecompress", "torch"))
    seeds = ", ".join(map(str, comparison.seeds))
    yield f"Seeds {seeds}; {versions}; SHA-256 of the resolved runs {comparison.sha256}."


def _changes(matrix: ChangeMatrix | None) -> Iterator[str]:
    """What changed: a row a behaviour, a column a variant."""
    if matrix is None:
        return
    yield from ("", "## What changed", "")
    head = ["behaviour", "uncompressed", "re-trained", *(f"`{name}`" for name in matrix.columns)]
    yield _escape_pipes(head)
    yield _escape_pipes(["---"] * len(head))
    for row in matrix.rows:
        cells = map(_change, row.cells)
        yield _escape_pipes([f"`{row.name}`", row.before, row.noise, *cells])
    yield ""
    yield (
        "- Changes from the uncompressed models, with 95 % intervals; re-trained: by how much "
        "uncompressed models of other seeds differ."
    )
    yield f"- **Bold**: changed beyond training noise; (?): {UNDECIDED}; all else: within noise."


def _change(cell: ChangeCell) -> str:
    if cell.verdict is None:
        return ""
    text = f"{cell.change} [{cell.interval}]" if cell.interval else cell.change
    if cell.verdict == UNDECIDED:
        return f"{text} (?)"
    return text if cell.verdict == "within noise" else f"**{text}**"


def _failures(comparison: ComparisonResults) -> Iterator[str]:
    if comparison.failures:
        yield ""
        yield "Runs that could not be finished:"
        yield ""
    for failure in comparison.failures:
        reason = " ".join(failure.reason.split())
        yield f"- {failure.label}: {reason}"


def _escape_pipes(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _markdown_row(row: Variant) -> list[str]:
    def shown(figure: Figure) -> str:
        text = f"{figure.value} {figure.reach}".strip()
        return f"**{text}**" if figure.is_best else text

    cells = [shown(figure) for figure in row.figures]
    return [str(row.place), f"`{row.name}`", row.density, *cells, row.times, _front(row)]


def _front(row: Variant) -> str:
    return "yes" if row.on_front else ""


def as_latex(comparison: ComparisonResults) -> str:
    """A ``booktabs`` table."""
    table = variant_table(comparison)
    lines = [
        rf"\begin{{tabular}}{{ll{'r' * len(table.columns)}rl}}",
        r"\toprule",
        _latex_line(["variant", "density", *table.columns, "time", "front"]),
        r"\midrule",
        *(_latex_line(_latex_cells(row)) for row in table.rows),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def _latex_cells(row: Variant) -> list[str]:
    def shown(figure: Figure) -> str:
        text = f"${figure.value.replace(',', '{,}').replace('−', '-')}$"
        if figure.value == "–":
            text = "--"
        text += rf"\,{{\scriptsize$\pm${figure.reach[1:]}}}" if figure.reach else ""
        return rf"\textbf{{{text}}}" if figure.is_best else text

    cells = [shown(figure) for figure in row.figures]
    return [row.name, row.density, *cells, row.times, _front(row)]


def _latex_line(cells: list[str]) -> str:
    escaped = (cell if "$" in cell else cell.translate(ESCAPED) for cell in cells)
    return " & ".join(escaped) + r" \\"


def as_csv(comparison: ComparisonResults) -> str:
    """Every figure, those of each attacker included: mean, low and high end of the interval."""
    rows = [dict(_flat(row)) for row in comparison.variants]
    stream = StringIO()
    writer = csv.DictWriter(
        stream, list(dict.fromkeys(key for row in rows for key in row)), lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def _flat(row: VariantRecord) -> Iterator[tuple[str, Any]]:
    yield "name", row.name
    yield "method", row.method
    yield "density", row.density
    yield "budget", row.budget
    yield "seeds", " ".join(map(str, row.seeds))
    yield "on_front", row.on_front
    yield from _ends("kept", row.kept)
    yield from _ends("model_density", row.model_density)
    for name in COLUMNS:
        yield from _ends(name, row.figure(name))
    for game, summary in row.advantage.items():
        yield from _ends(f"advantage.{game}", summary)
    for attacker, measures in row.audit.items():
        for measure, summary in measures.items():
            yield from _ends(f"audit.{attacker}.{measure}", summary)
    for behaviour in row.behaviours or ():
        low, high = behaviour.interval or (None, None)
        yield f"change.{behaviour.name}", behaviour.change.mean
        yield f"change.{behaviour.name}.low", low
        yield f"change.{behaviour.name}.high", high
        yield f"change.{behaviour.name}.verdict", behaviour.verdict


def _ends(name: str, summary: SummaryRecord | None) -> Iterator[tuple[str, float | None]]:
    low, high = (summary.interval if summary else None) or (None, None)
    yield name, summary.mean if summary else None
    yield f"{name}.low", low
    yield f"{name}.high", high
