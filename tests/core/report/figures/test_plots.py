"""Matplotlib figures of panels."""

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgba_array

from safecompress_core.report.figures.figure_data import CaptionedFigure
from safecompress_core.report.figures.plots import LIGHT, plot_panels
from safecompress_core.report.figures.svg import Color, render_figure
from safecompress_core.report.page import page_template


def panel(name: str, wide: int = 200) -> CaptionedFigure:
    """A line with a band in two colours, and a legend."""

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], "o-", color=Color.AFTER, mec=Color.GROUND, label="a line")
        axes.fill_between([0, 1], [0, 0], [1, 1], color=Color.LEAK, alpha=0.25)

    svg = render_figure(
        draw, name=name, title="t", description="d", size=(wide, 100), margins=(30, 9, 9, 30)
    )
    return CaptionedFigure(caption=name, note="note", svg=svg)


def test_panels_stand_below_their_captions_two_in_a_row() -> None:
    """None overlaps another one."""
    figure = plot_panels([panel("one"), panel("two", wide=300), panel("$three")])

    assert [text.get_text() for text in figure.texts] == [
        "one · note",
        "two · note",
        "$three · note",
    ]
    boxes = [axes.get_position() for axes in figure.axes]
    assert boxes[0].x1 < boxes[1].x0
    assert boxes[2].y1 < boxes[0].y0
    assert all(0 <= box.x0 < box.x1 <= 1 and 0 <= box.y0 < box.y1 <= 1 for box in boxes)
    assert [axes.get_legend().get_texts()[0].get_text() for axes in figure.axes] == ["a line"] * 3


def test_colours_are_those_of_the_page() -> None:
    """With their opacity; no stand-in is left, and matplotlib's own settings stay."""
    before = dict(mpl.rcParams)

    figure = plot_panels([panel("one")])

    assert dict(mpl.rcParams) == before
    (axes,) = figure.axes
    line, band = axes.lines[0], axes.collections[0]
    assert to_hex(line.get_color()) == LIGHT[Color.AFTER]
    assert to_hex(line.get_markeredgecolor()) == LIGHT[Color.GROUND]
    expected = to_rgba_array(LIGHT[Color.LEAK], 0.25)
    np.testing.assert_allclose(np.asarray(band.get_facecolor()), expected)
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3]  # type: ignore[attr-defined]
    assert pixels.min() > 9  # the darkest stand-in is nearly black


def test_a_notebook_shows_it() -> None:
    """As a picture, without pyplot."""
    assert plot_panels([panel("one")])._repr_png_().startswith(b"\x89PNG")


def test_colours_are_written_once_more_in_the_style_sheet() -> None:
    """Both are the light theme."""
    sheet = page_template("report.css").render()
    light = sheet[: sheet.index("prefers-color-scheme")]

    for color, value in LIGHT.items():
        assert f"--ink-{color.name.lower()}: {value};" in light
