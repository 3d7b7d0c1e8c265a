"""Matplotlib figures of a report's panels, for notebooks and files, in the colours of its page."""

from collections.abc import Iterator, Sequence
from io import BytesIO
from math import ceil

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgba_array
from matplotlib.figure import Figure

from safecompress_core.report.figures.figure_data import CaptionedFigure
from safecompress_core.report.figures.svg import Color, report_style

__all__ = ["ReportFigure", "plot_panels"]

LIGHT = {
    Color.TEXT: "#16191d",
    Color.MUTED: "#5c646d",
    Color.GRID: "#e7e9e8",
    Color.GROUND: "#ffffff",
    Color.BEFORE: "#c2570c",
    Color.AFTER: "#0a5fb4",
    Color.FRONT: "#0f8a76",
    Color.LEAK: "#8a3f97",
    Color.OTHER: "#98a1aa",
}
"""What ``report.css`` has for the light theme."""
HEADING = 30
"""Height of the caption above a panel, in CSS pixels."""
BETWEEN = 24
POINTS_PER_INCH = 72
COLUMNS = 2
COLORED = ("color", "facecolor", "edgecolor", "markerfacecolor", "markeredgecolor")


class ReportFigure(Figure):
    """A figure that a notebook shows, though pyplot does not know of it."""

    def _repr_png_(self) -> bytes:
        stream = BytesIO()
        self.savefig(stream, format="png", dpi=2 * POINTS_PER_INCH)
        return stream.getvalue()


def plot_panels(panels: Sequence[CaptionedFigure]) -> ReportFigure:
    """Draw panels below their captions, two in a row.

    Args:
        panels: at least one.
    """
    wide = max(one.svg.panel.size[0] for one in panels) + BETWEEN
    high = max(one.svg.panel.size[1] for one in panels) + HEADING
    columns, rows = min(COLUMNS, len(panels)), ceil(len(panels) / COLUMNS)
    whole = (columns * wide, rows * high)
    with report_style():
        figure = ReportFigure(figsize=(whole[0] / POINTS_PER_INCH, whole[1] / POINTS_PER_INCH))
        FigureCanvasAgg(figure)
        for place, one in enumerate(panels):
            row, column = divmod(place, COLUMNS)
            top = whole[1] - row * high
            panel = one.svg.panel
            corner = (column * wide, top - HEADING - panel.size[1])
            _add_legend(panel.add_to(figure, corner, whole))
            caption = " · ".join(filter(None, (one.caption, one.note)))
            figure.text((corner[0] + 8) / whole[0], (top - 20) / whole[1], caption, weight="bold")
        # Axes make their last ticks when they are drawn.
        figure.draw_without_rendering()
        _use_theme(figure)
    return figure


def _add_legend(axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        axes.legend(handles, labels, frameon=False, fontsize=10)


def _use_theme(figure: Figure) -> None:
    """Replace the stand-in colours of the report by those of its light theme."""
    figure.set_facecolor(LIGHT[Color.GROUND])
    for artist in figure.findobj():
        for name, value in _stand_ins(artist):
            artist.set(**{name: value})


def _stand_ins(artist: Artist) -> Iterator[tuple[str, object]]:
    """Return each colour of an artist that stands for another one, with that one."""
    themed = {color.value: LIGHT[color] for color in Color}
    for name in COLORED:
        value = getattr(artist, f"get_{name}", lambda: None)()
        if value is None or (isinstance(value, str) and value not in themed):
            continue
        colors = to_rgba_array(value)
        known = [themed.get(to_hex(color)) for color in colors]
        if any(known):
            replaced = to_rgba_array([new or old for new, old in zip(known, colors, strict=True)])
            # Opacity is the artist's, or part of each colour.
            replaced[:, 3] = colors[:, 3]
            yield name, replaced[0] if len(replaced) == 1 else replaced
