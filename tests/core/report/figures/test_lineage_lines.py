"""Figures of a race, read back from their SVG."""

from xml.etree import ElementTree as ET

from safecompress_core.report.figures.lineage_lines import LineageLine, lineage_lines
from safecompress_core.report.figures.svg import Color, SvgFigure

LINES = [
    LineageLine(number=2, values=[0.3, 0.35, 0.4], is_chosen=True),
    LineageLine(number=1, values=[0.31], is_chosen=False),
    LineageLine(number=3, values=[0.31], is_chosen=False),
]


def drawn(lines: list[LineageLine]) -> SvgFigure:
    """A panel of lineages."""
    return lineage_lines(lines, name="a", title="t", wide=340, color=Color.LEAK)


def test_only_the_chosen_lineage_has_a_colour() -> None:
    """Each line has a marker where it ends, further left for one that left earlier."""
    root = ET.fromstring(drawn(LINES))  # noqa: S314 -- drawn by us, just now
    markers = {
        color: [
            float(one.attrib["x"])
            for one in root.iter("use")
            if f"fill: {color.css}" in one.attrib["style"]
        ]
        for color in (Color.LEAK, Color.OTHER)
    }

    [chosen] = markers[Color.LEAK]
    assert len(markers[Color.OTHER]) == 2
    assert all(x < chosen for x in markers[Color.OTHER])


def test_labels_of_lineages_that_end_alike_do_not_cover_each_other() -> None:
    """Two lineages with the same figure in the same round."""
    root = ET.fromstring(drawn(LINES))  # noqa: S314 -- drawn by us, just now
    places = {
        text.text: float(text.attrib["y"])
        for text in root.iter("text")
        if "font-size: 11px" in text.attrib["style"]
    }

    assert abs(places["1"] - places["3"]) >= 10


def test_the_description_has_every_figure() -> None:
    """For who does not see the panel."""
    assert (
        "lineage 2, chosen, from round 1 to 3: 0.300, 0.350, 0.400; "
        "lineage 1, from round 1 to 1: 0.310"
    ) in drawn(LINES)
