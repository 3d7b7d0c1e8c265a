"""The figures of a report: small panels, one for each attack or objective, set side by side.

Panels are drawn at the width at which they are shown, so that their text is as large as the page's
on a wide screen and no smaller on a narrow one, where they stand below each other. What comes from
a spec, such as an attack's name, stands in the page next to the panel and not in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from safecompress_core.report.figures.svg import Color, SvgFigure, render_figure

__all__ = [
    "WIDTH",
    "CandidatePoint",
    "NoiseBar",
    "RoundPoint",
    "Whisker",
    "course",
    "draw_round_axis",
    "draw_value_axis",
    "forest",
    "label_axes",
    "limits",
    "name_vertical",
    "noise",
    "staircase",
    "trade_off",
    "width",
]

WIDTHS = {1: 520, 2: 520, 4: 252}
WIDTH = 340
"""Of a panel that has no other one's width, in CSS pixels."""
SMALLEST_SPAN = 0.04  # an axis never shows less, so that nothing looks like much
ROW = 26


@dataclass(frozen=True, slots=True, kw_only=True)
class Whisker:
    """An attack's advantage over one model, with its interval, all in [0, 1].

    Attributes:
        label: which model it is.
        color: the model's colour.
    """

    label: str
    value: float
    low: float
    high: float
    color: Color


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidatePoint:
    """One candidate as an attack's panel shows it.

    Attributes:
        round: counted from 1.
        performance: what the task metric read, in [0, 1].
        advantage: what the attack gained, in [0, 1].
        on_front: whether no other candidate of the run beats it in everything.
        is_chosen: whether its round went on with it; of several, the best; in a race whether it is
            of the lineage that the run chose.
    """

    round: int
    performance: float
    advantage: float
    on_front: bool
    is_chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundPoint:
    """One round in one objective: the chosen candidate, and the range of all."""

    round: int
    chosen: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NoiseBar:
    """Spread of a round's candidates in one objective, and the test's resolution."""

    round: int
    spread: float
    noise: float
    tells_apart: bool


def width(panels: int) -> int:
    """Return the width of each of so many panels, in CSS pixels."""
    return WIDTHS.get(panels, WIDTH)


def forest(whiskers: Sequence[Whisker], *, name: str, title: str, wide: int) -> SvgFigure:
    """One attack's advantage over several models, with intervals, from 0 to 1."""

    def draw(axes: Axes) -> None:
        for row, whisker in enumerate(whiskers):
            axes.plot(
                [whisker.low, whisker.high], [row, row], color=whisker.color, lw=2, clip_on=False
            )
            axes.plot(
                whisker.value,
                row,
                "o",
                ms=8,
                mfc=whisker.color,
                mec=Color.GROUND,
                mew=1.5,
                clip_on=False,
            )
            axes.annotate(
                f"{whisker.value:.3f}",
                (1, row),
                (8, 0),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                va="center_baseline",
                color=Color.TEXT,
            )
        axes.set_xlim(0, 1)
        axes.set_ylim(len(whiskers) - 0.4, -0.6)
        axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])
        axes.set_yticks(range(len(whiskers)), [whisker.label for whisker in whiskers])
        axes.tick_params(axis="y", labelcolor=Color.TEXT)
        axes.grid(visible=False, axis="y")

    values = "; ".join(
        f"{whisker.label} {whisker.value:.3f}, 95 % interval {whisker.low:.3f} to "
        f"{whisker.high:.3f}"
        for whisker in whiskers
    )
    return render_figure(
        draw,
        name=name,
        title=title,
        description=f"Advantage from 0, nothing, to 1, everything. {values}.",
        size=(wide, ROW * len(whiskers) + 34),
        margins=(104, 4, 48, 30),
    )


def trade_off(
    trials: Sequence[CandidatePoint],
    *,
    name: str,
    title: str,
    wide: int,
    measure: str = "advantage",
    noun: str = "candidates",
) -> SvgFigure:
    """Performance (upwards) against one attack's gain (to the right), every candidate.

    Earlier rounds are fainter. The line is the front of this attack alone.

    Args:
        trials: the candidates.
        name: as in ``render_figure``.
        title: likewise.
        wide: width in CSS pixels.
        measure: the figure of the attack that counts.
        noun: the word for what was tested.
    """
    rounds = max(trial.round for trial in trials)

    def draw(axes: Axes) -> None:
        for trial in (candidate for candidate in trials if not candidate.on_front):
            _dot(axes, trial, Color.OTHER, size=6, alpha=0.25 + 0.6 * trial.round / rounds)
        front = [trial for trial in trials if trial.on_front]
        stairs = staircase([(candidate.advantage, candidate.performance) for candidate in front])
        ends = zip(*stairs, strict=True)
        axes.step(*ends, where="post", color=Color.FRONT, lw=1.5, alpha=0.6, label="front")
        for trial in front:
            _dot(axes, trial, Color.FRONT, size=8)
        chosen = [trial for trial in trials if trial.is_chosen]
        axes.plot(
            [candidate.advantage for candidate in chosen],
            [candidate.performance for candidate in chosen],
            color=Color.AFTER,
            lw=1,
            ls=(0, (2, 2)),
            label="chosen",
        )
        for trial in chosen:
            _dot(axes, trial, Color.AFTER, size=11 if trial.round == rounds else 6, shape="D")
        axes.set_xlim(*limits([trial.advantage for trial in trials]))
        axes.set_ylim(*limits([trial.performance for trial in trials]))
        label_axes(axes, right=f"{measure} →", up="performance ↑")

    last = next((trial for trial in reversed(trials) if trial.is_chosen), trials[-1])
    return render_figure(
        draw,
        name=name,
        title=title,
        description=f"{len(trials)} {noun} of {rounds} rounds; up and to the left is better. "
        f"The chosen one of the last round has performance {last.performance:.3f} and "
        f"{measure} {last.advantage:.3f}.",
        size=(wide, 270),
        margins=(44, 28, 14, 44),
    )


def course(
    steps: Sequence[RoundPoint], *, name: str, title: str, wide: int, color: Color
) -> SvgFigure:
    """One objective over the rounds: what was chosen, within the range of the candidates."""

    def draw(axes: Axes) -> None:
        numbers = [step.round for step in steps]
        lows, highs = [step.low for step in steps], [step.high for step in steps]
        if len(steps) == 1:
            axes.vlines(numbers, lows, highs, color=color, alpha=0.2, lw=14)
        axes.fill_between(numbers, lows, highs, color=color, alpha=0.16, lw=0)
        axes.plot(
            numbers,
            [step.chosen for step in steps],
            "o-",
            color=color,
            lw=2,
            ms=7,
            mec=Color.GROUND,
            mew=1.5,
            clip_on=False,
        )
        axes.set_ylim(*limits([*lows, *highs]))
        draw_round_axis(axes, numbers)
        draw_value_axis(axes)

    values = "; ".join(
        f"round {step.round}: {step.chosen:.3f}, candidates {step.low:.3f} to {step.high:.3f}"
        for step in steps
    )
    return render_figure(
        draw,
        name=name,
        title=title,
        description=f"{values}.",
        size=(wide, 190),
        margins=(40, 8, 12, 40),
    )


def noise(readings: Sequence[NoiseBar], *, name: str, title: str, wide: int) -> SvgFigure:
    """By round, how far the candidates lie apart compared with the noise of the test."""

    def draw(axes: Axes) -> None:
        for reading in readings:
            color = Color.AFTER if reading.tells_apart else Color.OTHER
            axes.plot(
                [reading.round] * 2, [reading.noise, reading.spread], color=color, lw=2, alpha=0.5
            )
            axes.plot(
                reading.round, reading.spread, "o", ms=8, mfc=color, mec=Color.GROUND, mew=1.5
            )
            axes.plot(
                [reading.round - 0.28, reading.round + 0.28],
                [reading.noise] * 2,
                color=Color.TEXT,
                lw=2,
            )
        highest = max(max(reading.spread, reading.noise) for reading in readings)
        axes.set_ylim(0, max(highest * 1.2, SMALLEST_SPAN / 2))
        draw_round_axis(axes, [reading.round for reading in readings])
        draw_value_axis(axes)

    values = "; ".join(
        f"round {reading.round}: spread {reading.spread:.4f}, noise {reading.noise:.4f}"
        for reading in readings
    )
    return render_figure(
        draw,
        name=name,
        title=title,
        description=f"{values}.",
        size=(wide, 170),
        margins=(40, 8, 12, 40),
    )


def _dot(
    axes: Axes,
    trial: CandidatePoint,
    color: Color,
    *,
    size: float,
    alpha: float = 1,
    shape: str = "o",
) -> None:
    axes.plot(
        trial.advantage,
        trial.performance,
        shape,
        ms=size,
        mfc=color,
        mec=Color.GROUND,
        mew=1,
        alpha=alpha,
    )


def staircase(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Those that no other beats in both: the first as small, the second as large as can be."""
    stairs: list[tuple[float, float]] = []
    for x, y in sorted(points, key=lambda point: (point[0], -point[1])):
        if not stairs or y > stairs[-1][1]:
            stairs.append((x, y))
    return stairs


def limits(values: Sequence[float]) -> tuple[float, float]:
    """Limits around values, with air."""
    low, high = min(values), max(values)
    air = max((high - low) * 0.08, (SMALLEST_SPAN - (high - low)) / 2)
    return low - air, high + air


def draw_round_axis(axes: Axes, numbers: Sequence[int]) -> None:
    """An axis of rounds; of many, not each has its number."""
    apart = -(-len(numbers) // 10)
    axes.set_xticks(list(numbers)[::apart])
    edge = 0.5 if len(numbers) < 8 else 0.8
    axes.set_xlim(numbers[0] - edge, numbers[-1] + edge)
    axes.set_xlabel("round")
    axes.grid(visible=False, axis="x")


def draw_value_axis(axes: Axes) -> None:
    """A vertical axis of a few figures."""
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(FuncFormatter(_short))


def name_vertical(axes: Axes, up: str) -> None:
    """Write what the vertical axis is of above it, where its ticks begin."""
    axes.annotate(
        up,
        (0, 1),
        (-40, 10),
        xycoords="axes fraction",
        textcoords="offset points",
        color=Color.MUTED,
    )


def label_axes(axes: Axes, *, right: str, up: str) -> None:
    """Two axes of figures, and what they are of."""
    axes.set_xlabel(right)
    name_vertical(axes, up)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5))
        axis.set_major_formatter(FuncFormatter(_short))


def _short(value: float, _: int | None = None) -> str:
    """A tick: no more digits than it needs, and no minus of nothing."""
    return f"{round(value, 4) + 0:.4g}"
