"""Drawing of the figures of single records, for print and where scripts are off."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from safecompress_core.report.figures.drawing import label_axes, name_vertical
from safecompress_core.report.figures.score_data import (
    Confusion,
    RecordRisk,
    RocLine,
    ScoreHistogram,
)
from safecompress_core.report.figures.svg import Color, SvgFigure, render_figure
from safecompress_core.results.schema import GroupRiskRecord

__all__ = ["confusion_panel", "group_panel", "histogram_panel", "risk_panel", "roc_panel"]

MOST_GROUPS = 24
ROW = 20


def roc_panel(
    lines: Sequence[RocLine], *, name: str, title: str, wide: int, is_log: bool
) -> SvgFigure:
    """One attack's ROC curve on each model, with the bands of its rates."""

    def draw(axes: Axes) -> None:
        floor = min(line.floor for line in lines) if is_log else 0.0
        axes.plot([max(floor, 1e-6), 1], [max(floor, 1e-6), 1], color=Color.OTHER, lw=1, ls="--")
        for line in lines:
            limits = [point.fpr for point in line.band]
            lows = [max(point.low, floor) for point in line.band]
            highs = [point.high for point in line.band]
            axes.fill_between(limits, lows, highs, color=line.color, alpha=0.15, lw=0)
            fpr, tpr = (np.maximum(rates, floor) for rates in (line.fpr, line.tpr))
            axes.plot(fpr, tpr, color=line.color, lw=2, clip_on=False, label=line.model)
        if is_log:
            axes.set_xscale("log")
            axes.set_yscale("log")
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.set_xlim(floor, 1)
        axes.set_ylim(floor, 1)
        axes.set_xlabel("false-positive rate →")
        name_vertical(axes, "true-positive rate ↑")
        axes.minorticks_off()

    said = "; ".join(f"{line.model} {_describe_band(line)}" for line in lines)
    return render_figure(
        draw,
        name=name,
        title=title,
        description=f"{'Logarithmic' if is_log else 'Linear'} axes. {said}.",
        size=(wide, 270),
        margins=(48, 28, 14, 44),
    )


def histogram_panel(found: ScoreHistogram, *, name: str, title: str, wide: int) -> SvgFigure:
    """Scores of members and of non-members, as shares of either side, and the threshold."""

    def draw(axes: Axes) -> None:
        edges = [found.bins[0].low, *(one.high for one in found.bins)]
        for color, side, shares in (
            (Color.OTHER, "non-members", [one.non_members for one in found.bins]),
            (Color.LEAK, "members", [one.members for one in found.bins]),
        ):
            axes.stairs(shares, edges, fill=True, color=color, alpha=0.35)
            axes.stairs(shares, edges, color=color, lw=1.5, label=side)
        if found.threshold is not None:
            axes.axvline(found.threshold, color=Color.TEXT, lw=1, ls=(0, (3, 2)))
        axes.yaxis.set_major_locator(MaxNLocator(4))
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.set_xlabel("score →")
        axes.grid(visible=False, axis="x")

    threshold = "" if found.threshold is None else f" The threshold is {found.threshold:.4g}."
    return render_figure(
        draw,
        name=name,
        title=title,
        description="Distribution of the scores of members and of non-members, from "
        f"{found.bins[0].low:.4g} to {found.bins[-1].high:.4g}.{threshold}",
        size=(wide, 190),
        margins=(44, 8, 12, 40),
    )


def risk_panel(
    found: RecordRisk, *, name: str, title: str, wide: int, min_risk: float | None
) -> SvgFigure:
    """Members by risk, the most exposed first."""

    def draw(axes: Axes) -> None:
        places = [one.place for one in found.members]
        risks = [one.risk for one in found.members]
        bounded = [one for one in found.members if one.low is not None and one.high is not None]
        axes.fill_between(
            [one.place for one in bounded],
            [one.low or 0.0 for one in bounded],
            [one.high or 0.0 for one in bounded],
            color=Color.LEAK,
            alpha=0.15,
            lw=0,
        )
        axes.plot(places, risks, color=Color.LEAK, lw=2, drawstyle="steps-mid")
        if min_risk is not None:
            axes.axhline(min_risk, color=Color.TEXT, lw=1, ls=(0, (3, 2)))
        axes.set_ylim(0, 1)
        axes.set_xlim(1, max(found.count, 2))
        label_axes(axes, right="members, the most exposed first →", up="risk ↑")

    highest = found.members[0].risk if found.members else 0.0
    return render_figure(
        draw,
        name=name,
        title=title,
        description=f"{found.count} members; the highest risk is {highest:.3f}.",
        size=(wide, 230),
        margins=(44, 28, 14, 44),
    )


def group_panel(
    groups: Sequence[GroupRiskRecord], *, name: str, title: str, wide: int
) -> SvgFigure:
    """Mean risk of the members of each group, with its interval; the largest groups."""
    largest = sorted(groups, key=lambda group: -group.members)[:MOST_GROUPS]
    shown = sorted(largest, key=lambda group: -group.risk)

    def draw(axes: Axes) -> None:
        for row, group in enumerate(shown):
            axes.plot(group.risk_interval, [row, row], color=Color.LEAK, lw=2, alpha=0.5)
            axes.plot(group.risk, row, "o", ms=7, mfc=Color.LEAK, mec=Color.GROUND, mew=1)
        axes.axvline(0.5, color=Color.OTHER, lw=1, ls="--")
        axes.set_xlim(0, 1)
        axes.set_ylim(len(shown) - 0.4, -0.6)
        axes.set_yticks(range(len(shown)), [_short(group.value) for group in shown])
        axes.tick_params(axis="y", labelcolor=Color.TEXT)
        axes.set_xlabel("mean risk of members →")
        axes.grid(visible=False, axis="y")

    values = "; ".join(f"{group.value} {group.risk:.3f}" for group in shown)
    return render_figure(
        draw,
        name=name,
        title=title,
        description=f"{values}.",
        size=(wide, ROW * len(shown) + 56),
        margins=(120, 4, 14, 44),
    )


def confusion_panel(found: Confusion, *, name: str, title: str, wide: int) -> SvgFigure:
    """Inferred values of an attribute, as shares of the records of each true value."""
    counts = np.array(found.counts, dtype=float)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = len(found.values)

    def draw(axes: Axes) -> None:
        for (row, column), share in np.ndenumerate(shares):
            axes.fill_between(
                [column - 0.5, column + 0.5],
                row - 0.5,
                row + 0.5,
                color=Color.AFTER,
                alpha=float(share),
                lw=0,
            )
        names = [_short(value) for value in found.values]
        axes.set_xticks(range(size), names, rotation=90 if size > 3 else 0)
        axes.set_yticks(range(size), names)
        axes.set_xlim(-0.5, size - 0.5)
        axes.set_ylim(size - 0.5, -0.5)
        axes.set_xlabel("inferred →")
        axes.grid(visible=False)

    right = sum(found.counts[place][place] for place in range(size))
    return render_figure(
        draw,
        name=name,
        title=title,
        description=f"{right} of {int(counts.sum())} records are inferred correctly. Rows are true "
        "values, columns inferred ones.",
        size=(wide, max(wide - 20, 200)),
        margins=(96, 8, 14, 96),
    )


def _describe_band(line: RocLine) -> str:
    """Return the curve in words: rates near round limits."""
    said = []
    for limit in (0.01, 0.1):
        reached = [tpr for fpr, tpr in zip(line.fpr, line.tpr, strict=True) if fpr <= limit]
        said.append(f"{reached[-1]:.3f} at a false-positive rate of {limit:g}")
    return f"finds {' and '.join(said)}"


def _short(text: str) -> str:
    return text if len(text) <= 16 else f"{text[:15]}…"
