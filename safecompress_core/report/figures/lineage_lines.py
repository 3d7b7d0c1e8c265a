"""Figures of a race: each objective by round, one line a lineage, which ends where it left."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from safecompress_core.report.figures.drawing import draw_round_axis, draw_value_axis, limits
from safecompress_core.report.figures.svg import Color, SvgFigure, render_figure

__all__ = ["LineageLine", "lineage_lines"]

APART = 13
"""Pixels between two labels at least."""
HEIGHT, MARGINS = 230, (40, 8, 26, 40)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageLine:
    """A lineage in one objective.

    Attributes:
        number: of the lineage.
        values: by round, from the first to the last that it was tested in.
        is_chosen: whether the run's result comes from it.
    """

    number: int
    values: Sequence[float]
    is_chosen: bool


def lineage_lines(
    lines: Sequence[LineageLine], *, name: str, title: str, wide: int, color: Color
) -> SvgFigure:
    """One objective over the rounds; the chosen lineage in colour, the others with their number."""
    rounds = max(len(line.values) for line in lines)
    low, high = limits([value for line in lines for value in line.values])

    def draw(axes: Axes) -> None:
        # The chosen one last, over all others.
        for line in sorted(lines, key=lambda line: line.is_chosen):
            _line(axes, line, color if line.is_chosen else Color.OTHER)
        axes.set_ylim(low, high)
        draw_round_axis(axes, range(1, rounds + 1))
        draw_value_axis(axes)
        height = HEIGHT - MARGINS[1] - MARGINS[3]
        for line, shift in _spread(lines, pixel=(high - low) / height):
            axes.annotate(
                str(line.number),
                (len(line.values), line.values[-1]),
                (7, shift),
                textcoords="offset points",
                va="center_baseline",
                fontsize=11,
                fontweight="bold" if line.is_chosen else "normal",
                color=color if line.is_chosen else Color.MUTED,
                # Other lines pass behind a label.
                bbox={"facecolor": Color.GROUND, "edgecolor": "none", "pad": 0.5, "alpha": 0.65},
            )

    return render_figure(
        draw,
        name=name,
        title=title,
        description="; ".join(map(_describe, lines)) + ".",
        size=(wide, HEIGHT),
        margins=MARGINS,
    )


def _line(axes: Axes, line: LineageLine, color: Color) -> None:
    numbers = range(1, len(line.values) + 1)
    weight = 2.2 if line.is_chosen else 1.4
    axes.plot(numbers, line.values, color=color, lw=weight, clip_on=False)
    axes.plot(
        numbers[-1],
        line.values[-1],
        "o",
        color=color,
        ms=8 if line.is_chosen else 6,
        mec=Color.GROUND,
        mew=1.5,
        clip_on=False,
    )


def _spread(lines: Sequence[LineageLine], *, pixel: float) -> list[tuple[LineageLine, float]]:
    """Return how far each label stands above its point, so that none covers another.

    Args:
        lines: of one panel.
        pixel: what a pixel is, in the unit of the values.
    """
    labels: list[tuple[LineageLine, float]] = []
    tops: dict[int, float] = {}
    for line in sorted(lines, key=lambda line: line.values[-1]):
        last = len(line.values)
        place = max(line.values[-1] / pixel, tops.get(last, -float("inf")) + APART)
        tops[last] = place
        labels.append((line, place - line.values[-1] / pixel))
    return labels


def _describe(line: LineageLine) -> str:
    values = ", ".join(f"{value:.3f}" for value in line.values)
    chosen = ", chosen" if line.is_chosen else ""
    return f"lineage {line.number}{chosen}, from round 1 to {len(line.values)}: {values}"
