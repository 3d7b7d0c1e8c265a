"""Draws the table of a comparison for a terminal."""

from rich import box
from rich.table import Table
from rich.text import Text

from safecompress_core.report.comparison.variants import Figure, variant_table
from safecompress_core.results.schema import ComparisonResults, FigureName

__all__ = ["draw_variants"]

SPARED: tuple[FigureName, ...] = ("bytes", "steps", "seconds", "cpu_seconds")
"""What a narrow terminal has no room for; every file has it."""


def draw_variants(comparison: ComparisonResults, *, with_intervals: bool) -> Table:
    """A row for each variant, density and budget; ✓ marks the front.

    Args:
        comparison: the content of ``comparison.json``.
        with_intervals: whether there is room for them next to each figure, and for every column.
    """
    table = variant_table(comparison, without=() if with_intervals else SPARED)
    drawing = Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1, 0, 0),
        title=Text(comparison.name, style="bold"),
        title_justify="left",
        header_style="dim",
    )
    drawing.add_column("#", justify="right")
    drawing.add_column("variant", min_width=16, overflow="fold")
    for title in ("density", *table.columns, "time"):
        drawing.add_column(title, justify="right", no_wrap=title == "density")
    for row in table.rows:
        figures = (_draw_figure(figure, with_intervals=with_intervals) for figure in row.figures)
        place = f"{'✓' if row.on_front else ' '}{row.place:2}"
        drawing.add_row(place, row.name, row.density, *figures, row.times)
    return drawing


def _draw_figure(figure: Figure, *, with_intervals: bool) -> Text:
    text = Text(figure.value, style="bold" if figure.is_best else "")
    if with_intervals and figure.reach:
        text.append(f" {figure.reach}", style="dim not bold")
    return text
