"""From a matplotlib figure to an SVG that can stand in a page.

- Nothing global: a ``Figure`` with its own canvas, under matplotlib's defaults whatever a user's
  ``matplotlibrc`` says, and never pyplot.
- Colours are roles. A figure is drawn in stand-in colours, and each becomes a CSS variable of the
  page, so that one drawing is right in light and in dark.
- Text stays text, in the page's own font; sizes are CSS pixels where one point is drawn as one.
- The same figure gives the same bytes, and ids carry the figure's name, so that many fit in a page.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from io import StringIO
from typing import Any

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

__all__ = ["Ink", "Panel", "panel"]


class Ink(StrEnum):
    """What a colour stands for: the stand-in that a figure is drawn in."""

    TEXT = "#010101"
    MUTED = "#020202"
    GRID = "#030303"
    GROUND = "#040404"
    BEFORE = "#050505"
    """The uncompressed model."""
    AFTER = "#060606"
    """The compressed model, and what is chosen."""
    FRONT = "#070707"
    """The archive's front."""
    LEAK = "#080808"
    """What an attack gains."""
    OTHER = "#090909"
    """Candidates that are neither."""

    @property
    def css(self) -> str:
        """The page's variable."""
        return f"var(--ink-{self.name.lower()})"


STYLE: Mapping[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.size": 12,
    "axes.edgecolor": Ink.GRID.value,
    "axes.labelcolor": Ink.MUTED.value,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.facecolor": "none",
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": Ink.GRID.value,
    "grid.linewidth": 1,
    "text.color": Ink.TEXT.value,
    "xtick.color": Ink.MUTED.value,
    "ytick.color": Ink.MUTED.value,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.major.pad": 6,
    "ytick.major.pad": 6,
    "axes.labelpad": 5,
    "axes.titlesize": 12,
    "figure.facecolor": "none",
}
POINTS_PER_INCH = 72
LARGEST = 1.2  # shown larger than drawn, text would outgrow the page's

DROPPED = re.compile(
    r"<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->|<metadata>.*?</metadata>"
    r'|<style.*?</style>|<g ?/>| transform="rotate\(-0 [^"]*"',
    re.DOTALL,
)
OPENING = re.compile(r"<svg[^>]*>")
NAMED = re.compile(r' id="([^"]*)"')
REFERRED = re.compile(r'(?:xlink:)?href="#([^"]*)"|url\(#([^)]*)\)')
# `font: 11px 'DejaVu Sans', …` to matplotlib 3.10, `font-size: 11px; font-family: …` after it
FONT = re.compile(r"font: ([\d.]+px) [^;\"]*")
FAMILY = re.compile(r"font-family: [^;\"]*;? ?")
BLANK = re.compile(r"\n\s*")


@contextmanager
def _style() -> Iterator[None]:
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        yield


class Panel(Markup):
    """A drawn figure: markup that a template does not escape."""

    __slots__ = ()


def panel(
    draw: Callable[[Axes], None],
    *,
    name: str,
    title: str,
    description: str,
    size: tuple[int, int],
    margins: tuple[int, int, int, int],
) -> Panel:
    """One pair of axes as inline SVG.

    Args:
        draw: draws on the axes.
        name: an id that no other figure of the page has: letters, digits and dashes.
        title: what it is, for who does not see it.
        description: what it shows, for who does not see it.
        size: width and height, in CSS pixels.
        margins: left, top, right and bottom of the axes, in CSS pixels.
    """
    width, height = size
    left, top, right, bottom = margins
    with _style():
        mpl.rcParams["svg.hashsalt"] = name
        figure = Figure(figsize=(width / POINTS_PER_INCH, height / POINTS_PER_INCH))
        FigureCanvasSVG(figure)
        box = (left, bottom, width - left - right, height - top - bottom)
        axes = figure.add_axes((box[0] / width, box[1] / height, box[2] / width, box[3] / height))
        draw(axes)
        stream = StringIO()
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return Panel(_inlined(stream.getvalue(), name, title, description, size))


def _inlined(text: str, name: str, title: str, description: str, size: tuple[int, int]) -> str:
    """A document as an element: named, described, in the page's colours, pointing nowhere else."""
    text = BLANK.sub("\n", DROPPED.sub("", text))
    referred = {one or other for one, other in REFERRED.findall(text)}
    text = NAMED.sub(lambda found: f' id="{name}-{found[1]}"' if found[1] in referred else "", text)
    text = REFERRED.sub(
        lambda found: f'href="#{name}-{found[1]}"' if found[1] else f"url(#{name}-{found[2]})",
        text,
    )
    text = FAMILY.sub("", FONT.sub(r"font-size: \1", text))
    for ink in Ink:
        text = text.replace(ink.value, ink.css)
    opening = (
        f'<svg class="panel" viewBox="0 0 {size[0]} {size[1]}" '
        f'style="max-width: {size[0] * LARGEST:.0f}px" role="img" '
        f'aria-labelledby="{name}-title {name}-desc">'
        f'<title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-desc">{escape(description)}</desc>'
    )
    return OPENING.sub(lambda _: opening, text, count=1).strip()
