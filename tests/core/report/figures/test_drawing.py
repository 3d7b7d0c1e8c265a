"""The panels of a report, read back from their SVG."""

import re
from xml.etree import ElementTree as ET

import matplotlib as mpl
import pytest

from safecompress_core.report.figures.drawing import (
    CandidatePoint,
    NoiseBar,
    RoundPoint,
    Whisker,
    course,
    forest,
    noise,
    trade_off,
    width,
)
from safecompress_core.report.figures.svg import Color, SvgFigure

WHISKERS = [
    Whisker(label="uncompressed", value=0.5, low=0.4, high=0.6, color=Color.BEFORE),
    Whisker(label="compressed", value=0.25, low=0.2, high=0.3, color=Color.AFTER),
]
TRIALS = [
    CandidatePoint(round=1, performance=0.3, advantage=0.2, on_front=True, is_chosen=True),
    CandidatePoint(round=1, performance=0.2, advantage=0.3, on_front=False, is_chosen=False),
    CandidatePoint(round=2, performance=0.4, advantage=0.25, on_front=True, is_chosen=True),
]
STEPS = [
    RoundPoint(round=1, chosen=0.3, low=0.2, high=0.4),
    RoundPoint(round=2, chosen=0.5, low=0.4, high=0.6),
]
NOISES = [
    NoiseBar(round=1, spread=0.01, noise=0.02, tells_apart=False),
    NoiseBar(round=2, spread=0.03, noise=0.02, tells_apart=True),
]


def panels() -> dict[str, SvgFigure]:
    """One of each kind."""
    return {
        "forest": forest(WHISKERS, name="a", title="t", wide=340),
        "trade-off": trade_off(TRIALS, name="b", title="t", wide=340),
        "course": course(STEPS, name="c", title="t", wide=252, color=Color.AFTER),
        "noise": noise(NOISES, name="d", title="t", wide=252),
    }


def parsed(panel: SvgFigure) -> ET.Element:
    """The panel's element; it fails on what is not well formed."""
    return ET.fromstring(panel)  # noqa: S314 -- drawn by us, just now


def points(panel: SvgFigure, color: Color) -> list[tuple[float, float]]:
    """Positions of the markers of a colour, in pixels."""
    return [
        (float(one.attrib["x"]), float(one.attrib["y"]))
        for one in parsed(panel).iter("use")
        if f"fill: {color.css}" in one.attrib["style"]
    ]


@pytest.mark.parametrize("kind", ["forest", "trade-off", "course", "noise"])
def test_a_panel_is_one_element_with_a_title_a_description_and_the_page_s_colours(
    kind: str,
) -> None:
    """The SVG is well formed, has an accessible name, and fixes no colour."""
    panel = panels()[kind]

    root = parsed(panel)

    named = root.attrib["aria-labelledby"].split()
    assert [child.attrib["id"] for child in root[:2]] == named
    assert all(child.text for child in root[:2])
    assert not re.search(r"#[0-9a-f]{6}\b|rgb\(|http|<style", panel)
    assert re.search(r"<text[^>]*>", panel)


def test_a_forest_draws_values_between_0_and_1_in_their_model_s_colour() -> None:
    """Half of the way from 0 to 1 is twice as far from 0 as a quarter."""
    panel = forest(WHISKERS, name="a", title="t", wide=340)

    [(before, _)], [(after, _)] = points(panel, Color.BEFORE), points(panel, Color.AFTER)
    zero = 104  # the left margin

    assert before - zero == pytest.approx(2 * (after - zero))
    assert "0.500" in panel
    assert "95 % interval 0.200 to 0.300" in panel


def test_a_trade_off_marks_front_chosen_and_others_apart() -> None:
    """Chosen candidates are drawn over their place on the front; others in another colour."""
    panel = trade_off(TRIALS, name="b", title="t", wide=340)

    assert len(points(panel, Color.OTHER)) == 1
    assert points(panel, Color.FRONT) == points(panel, Color.AFTER)
    better, worse = points(panel, Color.AFTER)[1], points(panel, Color.OTHER)[0]
    assert better[0] < worse[0], "a smaller advantage is further left"
    assert better[1] < worse[1], "a better performance is further up"


def test_a_course_of_a_single_round_still_shows_its_range() -> None:
    """A band between two rounds needs two; one round gets a bar."""
    panel = course(STEPS[:1], name="c", title="t", wide=252, color=Color.AFTER)

    assert "stroke-width: 14" in panel
    assert "round 1: 0.300, candidates 0.200 to 0.400" in panel


def test_noise_is_coloured_only_where_the_test_could_tell() -> None:
    """One round of two could."""
    panel = noise(NOISES, name="d", title="t", wide=252)

    assert len(points(panel, Color.AFTER)) == 1
    assert len(points(panel, Color.OTHER)) == 1


def test_candidates_that_are_all_alike_do_not_break_an_axis() -> None:
    """Without any spread, an axis still has a width, and nothing is divided by it."""
    alike = [TRIALS[0], TRIALS[0]]

    assert trade_off(alike, name="b", title="t", wide=340)
    assert course(
        [RoundPoint(round=1, chosen=0.0, low=0.0, high=0.0)],
        name="c",
        title="t",
        wide=252,
        color=Color.LEAK,
    )
    assert noise(
        [NoiseBar(round=1, spread=0.0, noise=0.0, tells_apart=False)], name="d", title="t", wide=252
    )


def test_a_panel_does_not_depend_on_anyone_s_settings_of_matplotlib() -> None:
    """A user's matplotlibrc neither changes a panel nor is changed by it."""
    usual = panels()
    with mpl.rc_context({"font.size": 30, "axes.grid": False, "text.usetex": True}):
        other = panels()
        assert mpl.rcParams["font.size"] == 30

    assert other == usual


def test_panels_are_as_wide_as_their_place() -> None:
    """With four panels in a row instead of three, each is narrower."""
    assert width(4) < width(3) == width(7) < width(2)
