"""The figures of a comparison: safety against performance, and learning round by round."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from matplotlib.axes import Axes

from safecompress_core.report.figures.drawing import (
    labelled_axes,
    limits,
    numbered_rounds,
    staircase,
)
from safecompress_core.report.figures.figure_data import Plate
from safecompress_core.report.figures.svg import Ink, Panel, panel

__all__ = ["Dot", "learning", "trade_offs"]

OWN = "test-driven"
WIDE = 520


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A variant at one density.

    Attributes:
        place: its number in the table.
        performance, advantage: means over seeds.
        ink: what kind of variant it is.
        is_compressed: whether it has a part in the front, drawn as far as one game alone goes.
    """

    place: int
    performance: float
    advantage: float
    ink: Ink
    is_compressed: bool


def trade_offs(comparison: Mapping[str, Any]) -> list[Plate]:
    """By density and game, every variant's task accuracy against the strongest attack's advantage.

    What has no density of its own, the uncompressed model above all, stands in each of them.
    """
    rows = list(enumerate(comparison["variants"], start=1))
    densities = list(dict.fromkeys(row["density"] for _, row in rows if row["density"] is not None))
    games = dict.fromkeys(game for _, row in rows for game in row["advantage"])
    plates: list[Plate] = []
    for density, game in product(densities or [None], games):
        dots = [
            _dot(place, row, game)
            for place, row in rows
            if row["density"] in (None, density) and row["advantage"].get(game) is not None
        ]
        caption = "all variants" if density is None else f"density {density:g}"
        name, title = f"trade-{len(plates)}", f"Trade-off of {game}, {caption}"
        plates.append(Plate(caption=caption, note=game, panel=_scatter(dots, name, title)))
    return plates


def _dot(place: int, row: Mapping[str, Any], game: str) -> Dot:
    if row["method"] == "uncompressed":
        ink = Ink.BEFORE
    else:
        ink = Ink.AFTER if row["method"] == OWN else Ink.OTHER
    return Dot(
        place=place,
        performance=row["task_accuracy"]["mean"],
        advantage=row["advantage"][game]["mean"],
        ink=ink,
        is_compressed=row["on_front"] is not None,
    )


def _scatter(dots: Sequence[Dot], name: str, title: str) -> Panel:
    def draw(axes: Axes) -> None:
        stairs = staircase([(dot.advantage, dot.performance) for dot in dots if dot.is_compressed])
        if stairs:
            axes.step(*zip(*stairs, strict=True), where="post", color=Ink.FRONT, lw=1.5, alpha=0.6)
        for dot in dots:
            axes.plot(
                dot.advantage, dot.performance, "o", ms=8, mfc=dot.ink, mec=Ink.GROUND, mew=1.5
            )
            axes.annotate(
                str(dot.place),
                (dot.advantage, dot.performance),
                (6, 5),
                textcoords="offset points",
                color=Ink.TEXT if dot.ink == Ink.AFTER else Ink.MUTED,
                fontsize=11,
            )
        axes.set_xlim(*limits([dot.advantage for dot in dots]))
        axes.set_ylim(*limits([dot.performance for dot in dots]))
        labelled_axes(axes, right="advantage of the strongest attack →", up="task accuracy ↑")

    said = "; ".join(
        f"variant {dot.place}: accuracy {dot.performance:.3f}, advantage {dot.advantage:.3f}"
        for dot in dots
    )
    return panel(
        draw,
        name=name,
        title=title,
        description=f"Up and to the left is better. {said}.",
        size=(WIDE, 340),
        margins=(44, 28, 24, 44),
    )


def learning(comparison: Mapping[str, Any]) -> list[Plate]:
    """By variant and density: the course of the chosen candidates, a line for each seed.

    A single round is no course.
    """
    groups: dict[tuple[str, float | None], list[Any]] = {}
    for course in comparison["courses"]:
        if len(course["rounds"]) < 2:
            continue
        groups.setdefault((course["name"], course["density"]), []).append(course["rounds"])
    plates = []
    for index, ((variant, density), seeds) in enumerate(groups.items()):
        at = "" if density is None else f"density {density:g}"
        for figure, ink, title in (
            ("performance", Ink.AFTER, "task accuracy"),
            ("advantage", Ink.LEAK, "advantage of the strongest attack"),
        ):
            lines = [[(one["round"], one[figure]) for one in rounds] for rounds in seeds]
            if any(value is None for line in lines for _, value in line):
                continue
            drawn = _lines(lines, name=f"learning-{index}-{figure}", title=title, ink=ink)
            plates.append(Plate(caption=f"{variant} {at}".strip(), note=title, panel=drawn))
    return plates


def _lines(
    lines: Sequence[Sequence[tuple[int, float]]], *, name: str, title: str, ink: Ink
) -> Panel:
    def draw(axes: Axes) -> None:
        for line in lines:
            axes.plot(*zip(*line, strict=True), "o-", color=ink, lw=1.5, ms=5, alpha=0.7)
        axes.set_ylim(*limits([value for line in lines for _, value in line]))
        numbered_rounds(axes, [number for number, _ in max(lines, key=len)])

    ends = ", ".join(f"{line[0][1]:.3f} to {line[-1][1]:.3f}" for line in lines)
    return panel(
        draw,
        name=name,
        title=title,
        description=f"From the first to the last round, by seed: {ends}.",
        size=(340, 190),
        margins=(44, 8, 12, 40),
    )
