"""A figure as an element of a page: its ids, references, colours and text."""

from xml.etree import ElementTree as ET

from matplotlib.axes import Axes

from safecompress_core.report.figures.svg import Color, SvgFigure, render_figure


def drawn(name: str) -> SvgFigure:
    """A clipped line with markers, and a text that looks like markup and like a colour."""

    def draw(axes: Axes) -> None:
        axes.plot([0, 1], [0, 1], "o-", color=Color.AFTER, mec=Color.GROUND)
        axes.text(0.5, 0.5, f"<b>{Color.AFTER.value}</b> & more")

    return render_figure(
        draw, name=name, title="a <b>", description="c & d", size=(200, 100), margins=(9, 9, 9, 9)
    )


def values(root: ET.Element) -> list[str]:
    """All attributes and properties of styles."""
    return [
        part.partition(": ")[2] if key == "style" else part
        for element in root.iter()
        for key, value in element.items()
        for part in (value.split("; ") if key == "style" else [value])
    ]


def test_what_refers_to_an_id_finds_it_in_its_own_figure() -> None:
    """Clip paths and markers; ids carry the figure's name, so that two of a page do not clash."""
    ids = {}
    for name in ("one", "two"):
        root = ET.fromstring(drawn(name))  # noqa: S314 -- drawn by us, just now
        ids[name] = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
        referred = {
            one.removeprefix("url(").removesuffix(")").removeprefix("#")
            for one in values(root)
            if one.startswith(("#", "url("))
        }

        assert len(referred) >= 2
        assert sorted(ids[name]) == sorted(referred | {f"{name}-title", f"{name}-desc"})
    assert not set(ids["one"]) & set(ids["two"])


def test_colours_become_the_pages_and_text_stays_as_it_is() -> None:
    """Only whole attribute values are replaced; the same word in a text stays."""
    root = ET.fromstring(drawn("one"))  # noqa: S314 -- drawn by us, just now

    assert {Color.AFTER.css, Color.GROUND.css, Color.TEXT.css} <= set(values(root))
    assert not {color.value for color in Color} & set(values(root))
    assert [root.findtext("title"), root.findtext("desc")] == ["a <b>", "c & d"]
    assert "<b>#060606</b> & more" in [element.text for element in root.iter("text")]
