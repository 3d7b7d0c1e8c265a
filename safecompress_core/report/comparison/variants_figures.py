"""The figures of a comparison: safety against performance, and learning round by round."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from matplotlib.axes import Axes

from safecompress_core.report.figures.drawing import (
    draw_round_axis,
    label_axes,
    limits,
    staircase,
)
from safecompress_core.report.figures.figure_data import CaptionedFigure
from safecompress_core.report.figures.svg import Color, SvgFigure, render_figure
from safecompress_core.results.schema import (
    ComparisonResults,
    CourseRoundRecord,
    SummaryRecord,
    VariantRecord,
    label_of,
)

__all__ = ["VariantPoint", "learning", "trade_offs"]

OWN = "test-driven"
WIDE = 520


@dataclass(frozen=True, slots=True, kw_only=True)
class VariantPoint:
    """A variant at one density.

    Attributes:
        place: its number in the table.
        performance, advantage: means over seeds.
        color: what kind of variant it is.
        is_compressed: whether it has a part in the front, which is drawn for one game alone.
    """

    place: int
    performance: float
    advantage: float
    color: Color
    is_compressed: bool


def trade_offs(comparison: ComparisonResults) -> list[CaptionedFigure]:
    """By density and game, every variant's task accuracy against the strongest attack's advantage.

    What has no density of its own, the uncompressed model above all, stands in each of them.
    """
    rows = list(enumerate(comparison.variants, start=1))
    row_densities = dict.fromkeys(row.density for _, row in rows if row.density is not None)
    densities: list[float | None] = list(row_densities) if row_densities else [None]
    games = dict.fromkeys(game for _, row in rows for game in row.advantage)
    figures: list[CaptionedFigure] = []
    for density, game in product(densities, games):
        dots = [
            _dot(place, row, advantage)
            for place, row in rows
            if row.density in (None, density) and (advantage := row.advantage.get(game)) is not None
        ]
        if not dots:  # variants may differ in their attackers
            continue
        caption = "all variants" if density is None else f"density {density:g}"
        name, title = f"trade-{len(figures)}", f"Trade-off of {game}, {caption}"
        figures.append(CaptionedFigure(caption=caption, note=game, svg=_scatter(dots, name, title)))
    return figures


def _dot(place: int, row: VariantRecord, advantage: SummaryRecord) -> VariantPoint:
    if row.method == "uncompressed":
        color = Color.BEFORE
    else:
        color = Color.AFTER if row.method == OWN else Color.OTHER
    assert row.task_accuracy is not None  # every run measures it
    return VariantPoint(
        place=place,
        performance=row.task_accuracy.mean,
        advantage=advantage.mean,
        color=color,
        is_compressed=row.on_front is not None,
    )


def _scatter(dots: Sequence[VariantPoint], name: str, title: str) -> SvgFigure:
    def draw(axes: Axes) -> None:
        stairs = staircase([(dot.advantage, dot.performance) for dot in dots if dot.is_compressed])
        if stairs:
            axes.step(
                *zip(*stairs, strict=True), where="post", color=Color.FRONT, lw=1.5, alpha=0.6
            )
        for dot in dots:
            axes.plot(
                dot.advantage, dot.performance, "o", ms=8, mfc=dot.color, mec=Color.GROUND, mew=1.5
            )
            axes.annotate(
                str(dot.place),
                (dot.advantage, dot.performance),
                (6, 5),
                textcoords="offset points",
                color=Color.TEXT if dot.color == Color.AFTER else Color.MUTED,
                fontsize=11,
            )
        axes.set_xlim(*limits([dot.advantage for dot in dots]))
        axes.set_ylim(*limits([dot.performance for dot in dots]))
        label_axes(axes, right="advantage of the strongest attack →", up="task accuracy ↑")

    values = "; ".join(
        f"variant {dot.place}: accuracy {dot.performance:.3f}, advantage {dot.advantage:.3f}"
        for dot in dots
    )
    return render_figure(
        draw,
        name=name,
        title=title,
        description=f"Up and to the left is better. {values}.",
        size=(WIDE, 340),
        margins=(44, 28, 24, 44),
    )


def learning(comparison: ComparisonResults) -> list[CaptionedFigure]:
    """By variant and density: the course of the chosen candidates, a line for each seed.

    A single round is no course.
    """
    groups: dict[tuple[str, float | None], list[Sequence[CourseRoundRecord]]] = {}
    for course in comparison.courses:
        if len(course.rounds) < 2:
            continue
        label = label_of(course.name, course.budget)
        groups.setdefault((label, course.density), []).append(course.rounds)
    figures = []
    for index, ((variant, density), seeds) in enumerate(groups.items()):
        at = "" if density is None else f"density {density:g}"
        for figure, color, title, read in (
            ("performance", Color.AFTER, "task accuracy", _performance),
            ("advantage", Color.LEAK, "advantage of the strongest attack", _advantage),
        ):
            lines = [
                [(round_.round, value) for round_ in rounds if (value := read(round_)) is not None]
                for rounds in seeds
            ]
            if [len(line) for line in lines] != [len(rounds) for rounds in seeds]:
                continue
            panel = _lines(lines, name=f"learning-{index}-{figure}", title=title, color=color)
            figures.append(
                CaptionedFigure(caption=f"{variant} {at}".strip(), note=title, svg=panel)
            )
    return figures


def _performance(round_: CourseRoundRecord) -> float | None:
    return round_.performance


def _advantage(round_: CourseRoundRecord) -> float | None:
    return round_.advantage


def _lines(
    lines: Sequence[Sequence[tuple[int, float]]], *, name: str, title: str, color: Color
) -> SvgFigure:
    def draw(axes: Axes) -> None:
        for line in lines:
            axes.plot(*zip(*line, strict=True), "o-", color=color, lw=1.5, ms=5, alpha=0.7)
        axes.set_ylim(*limits([value for line in lines for _, value in line]))
        draw_round_axis(axes, [number for number, _ in max(lines, key=len)])

    ends = ", ".join(f"{line[0][1]:.3f} to {line[-1][1]:.3f}" for line in lines)
    return render_figure(
        draw,
        name=name,
        title=title,
        description=f"From the first to the last round, by seed: {ends}.",
        size=(340, 190),
        margins=(44, 8, 12, 40),
    )
