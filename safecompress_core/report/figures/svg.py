"""From a matplotlib figure to an SVG that can stand in a page.

- Nothing global: a ``Figure`` with its own canvas, under matplotlib's defaults whatever a user's
  ``matplotlibrc`` says, and never pyplot.
- Colours are roles. A figure is drawn in stand-in colours, and each becomes a CSS variable of the
  page, so that one drawing is right in light and in dark.
- Text stays text; the page's style sheet replaces the family that it was measured in by its own.
  Sizes are CSS pixels where one point is drawn as one.
- The document is changed by element and attribute, not as text: how matplotlib formats it may vary.
- The same figure gives the same bytes, and ids carry the figure's name, so that many fit in a page.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from io import StringIO
from typing import Any
from xml.etree import ElementTree as ET

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

__all__ = ["Color", "Panel", "SvgFigure", "render_figure", "report_style"]


class Color(StrEnum):
    """Colour of a figure, drawn as a placeholder that the page's style replaces."""

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
    "font.family": "DejaVu Sans",
    "font.size": 12,
    "axes.edgecolor": Color.GRID.value,
    "axes.labelcolor": Color.MUTED.value,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.facecolor": "none",
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": Color.GRID.value,
    "grid.linewidth": 1,
    "text.color": Color.TEXT.value,
    "xtick.color": Color.MUTED.value,
    "ytick.color": Color.MUTED.value,
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


@contextmanager
def report_style() -> Iterator[None]:
    """Draw under matplotlib's defaults and the report's style, whatever the user has set."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(STYLE)
        yield


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One pair of axes, to be drawn.

    Attributes:
        draw: draws on the axes.
        size: width and height, in CSS pixels.
        margins: left, top, right and bottom of the axes, in CSS pixels.
    """

    draw: Callable[[Axes], None]
    size: tuple[int, int]
    margins: tuple[int, int, int, int]

    def add_to(
        self, figure: Figure, corner: tuple[float, float], whole: tuple[float, float]
    ) -> Axes:
        """Draw the panel on a figure.

        Args:
            figure: the figure.
            corner: left and bottom of the panel, in CSS pixels.
            whole: width and height of the figure, in CSS pixels.
        """
        (x, y), (width, height), (left, top, right, bottom) = corner, self.size, self.margins
        box = (x + left, y + bottom, width - left - right, height - top - bottom)
        axes = figure.add_axes(
            (box[0] / whole[0], box[1] / whole[1], box[2] / whole[0], box[3] / whole[1])
        )
        self.draw(axes)
        return axes


class SvgFigure(Markup):
    """A drawn figure: markup that a template does not escape.

    Attributes:
        panel: what was drawn.
    """

    __slots__ = ("panel",)
    panel: Panel


def render_figure(
    draw: Callable[[Axes], None],
    *,
    name: str,
    title: str,
    description: str,
    size: tuple[int, int],
    margins: tuple[int, int, int, int],
) -> SvgFigure:
    """One pair of axes as inline SVG.

    Args:
        draw: draws on the axes.
        name: an id that no other figure of the page has: letters, digits and dashes.
        title: what it is, for who does not see it.
        description: what it shows, for who does not see it.
        size: width and height, in CSS pixels.
        margins: left, top, right and bottom of the axes, in CSS pixels.
    """
    panel = Panel(draw=draw, size=size, margins=margins)
    with report_style():
        mpl.rcParams["svg.hashsalt"] = name
        figure = Figure(figsize=(size[0] / POINTS_PER_INCH, size[1] / POINTS_PER_INCH))
        FigureCanvasSVG(figure)
        panel.add_to(figure, (0, 0), size)
        stream = StringIO()
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    drawn = SvgFigure(_inline(stream.getvalue(), name, title, description, size))
    drawn.panel = panel
    return drawn


def _inline(text: str, name: str, title: str, description: str, size: tuple[int, int]) -> str:
    """A document as an element: named, described, in the page's colours, pointing nowhere else."""
    root = ET.fromstring(text)  # noqa: S314 -- drawn by matplotlib, just now
    _drop_unused(root)
    _replace_values(root, name)
    root.attrib = {
        "class": "panel",
        "viewBox": f"0 0 {size[0]} {size[1]}",
        "style": f"max-width: {size[0] * LARGEST:.0f}px",
        "role": "img",
        "aria-labelledby": f"{name}-title {name}-desc",
    }
    for place, (tag, content) in enumerate([("title", title), ("desc", description)]):
        child = ET.Element(tag, id=f"{name}-{tag}")
        child.text = content
        root.insert(place, child)
    ET.indent(root, space="")
    return ET.tostring(root, encoding="unicode")


def _drop_unused(root: ET.Element) -> None:
    """Remove metadata, style rules (they would apply to the whole page) and empty groups."""
    for parent in root.iter():
        for child in list(parent):
            tag = _local(child.tag)
            if tag in {"metadata", "style"} or (tag in {"defs", "g"} and not len(child)):
                parent.remove(child)


def _replace_values(root: ET.Element, name: str) -> None:
    """Replace stand-in colours by the page's variables, and prefix each id with the figure's name.

    Only whole values are replaced, of attributes and of properties of a style. Ids that nothing
    refers to are dropped, and so are namespaces, which an inline SVG in HTML does not need.
    """
    styles = {element: _properties(element.attrib.pop("style", "")) for element in root.iter()}
    used = {
        value
        for element, style in styles.items()
        for value in (*element.attrib.values(), *style.values())
    }
    replacements = {color.value: color.css for color in Color}
    for element in styles:
        target = element.attrib.pop("id", None)
        if not used.isdisjoint({f"#{target}", f"url(#{target})"}):
            element.set("id", f"{name}-{target}")
            replacements[f"#{target}"] = f"#{name}-{target}"
            replacements[f"url(#{target})"] = f"url(#{name}-{target})"
    for element, style in styles.items():
        element.tag = _local(element.tag)
        element.attrib = {
            _local(key): replacements.get(value, value) for key, value in element.items()
        }
        if style:
            properties = ((key, replacements.get(value, value)) for key, value in style.items())
            element.set("style", "; ".join(f"{key}: {value}" for key, value in properties))


def _properties(style: str) -> dict[str, str]:
    """Return the properties of a ``style`` attribute by name."""
    parts = (declaration.partition(":") for declaration in style.split(";"))
    return {key.strip(): value.strip() for key, colon, value in parts if colon}


def _local(name: str) -> str:
    """Return a name without its namespace."""
    return name.rpartition("}")[2]
