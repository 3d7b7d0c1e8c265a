"""Figures of what compression changed: slopes from before to after, and reliability."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes

from safecompress_core.report.behaviours.changes import count_retrained
from safecompress_core.report.figures.figure_data import CaptionedFigure
from safecompress_core.report.figures.svg import Color, SvgFigure, render_figure
from safecompress_core.report.formatting import format_number
from safecompress_core.results.schema import UNDECIDED, BehaviourRecord, Results

__all__ = ["change_figures", "reliability_figure", "slope_figure"]

APART = 0.045
"""Share of the height between two labels at least."""
SLOPES = (560, 380)
SLOPE_MARGINS = (30, 10, 250, 24)
SQUARE = (300, 380)
SQUARE_MARGINS = (44, 10, 14, 44)

COLORS = {
    "changed beyond training noise": Color.AFTER,
    "within noise": Color.OTHER,
    UNDECIDED: Color.BEFORE,
}


def change_figures(results: Results) -> tuple[CaptionedFigure, ...]:
    """Return the slopes and, where confidence was measured, the reliability diagram."""
    rows = [row for row in results.behaviours or () if _is_share(row)]
    panels = []
    if rows and count_retrained(results):
        note = "from the uncompressed to the compressed model"
        slopes = slope_figure(rows)
        panels.append(CaptionedFigure(caption="Behaviours", note=note, svg=slopes))
    points = list(_reliability(results))
    if points:
        diagram = reliability_figure(points)
        note = "accuracy by confidence"
        panels.append(CaptionedFigure(caption="Reliability", note=note, svg=diagram))
    return tuple(panels)


def _is_share(row: BehaviourRecord) -> bool:
    """Return whether both figures fit on an axis from 0 to 1."""
    return all(0 <= figure.value <= 1 for figure in (row.before, row.after))


def slope_figure(rows: Sequence[BehaviourRecord]) -> SvgFigure:
    """One line a behaviour, by the colour of its verdict; dots are re-trained models."""
    places = _spread([row.after.value for row in rows])

    def draw(axes: Axes) -> None:
        for row, place in zip(rows, places, strict=True):
            color = COLORS[row.verdict]
            ends = row.before.value, row.after.value
            axes.plot((0, 1), ends, color=color, lw=1.8, marker="o", ms=5, clip_on=False)
            again = [row.before.value + other.value for other in row.retrained]
            axes.plot([0] * len(again), again, "o", color=color, ms=3, alpha=0.5, clip_on=False)
            axes.annotate(
                f"{row.name} {format_number(row.after.value)}",
                (1, place),
                (10, 0),
                textcoords="offset points",
                va="center_baseline",
                fontsize=11,
                color=color,
                annotation_clip=False,
            )
        axes.set_xlim(-0.06, 1)
        axes.set_ylim(0, 1)
        axes.set_xticks([0, 1], ["before", "after"])
        axes.grid(visible=False, axis="x")

    described = "; ".join(
        f"{row.name} from {row.before.value:.3f} to {row.after.value:.3f}, {row.verdict}"
        for row in rows
    )
    return render_figure(
        draw,
        name="behaviour-slopes",
        title="Behaviours before and after compression",
        description=f"{described}.",
        size=SLOPES,
        margins=SLOPE_MARGINS,
    )


def reliability_figure(
    models: Sequence[tuple[str, Color, Sequence[Mapping[str, float]]]],
) -> SvgFigure:
    """Accuracy in each bin of confidence; on the diagonal a model is as sure as it is right.

    Args:
        models: of each its name, its colour, and its points as results have them.
    """

    def draw(axes: Axes) -> None:
        axes.plot((0, 1), (0, 1), color=Color.GRID, lw=1.5)
        for _, color, points in models:
            xs = [point["confidence"] for point in points]
            ys = [point["accuracy"] for point in points]
            axes.plot(xs, ys, color=color, lw=1.8, marker="o", ms=5, clip_on=False)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        axes.set_xlabel("confidence")

    described = "; ".join(
        f"{name}: "
        + ", ".join(f"{point['confidence']:.2f} {point['accuracy']:.2f}" for point in points)
        for name, _, points in models
    )
    return render_figure(
        draw,
        name="behaviour-reliability",
        title="Reliability diagram",
        description=f"Confidence and accuracy by bin. {described}.",
        size=SQUARE,
        margins=SQUARE_MARGINS,
    )


def _reliability(results: Results) -> Iterator[tuple[str, Color, Sequence[Mapping[str, float]]]]:
    parts: list[tuple[str, Color, Any]] = [("the model", Color.AFTER, results.details)]
    if results.baseline is not None:
        parts = [
            ("uncompressed", Color.BEFORE, results.baseline.details),
            ("compressed", Color.AFTER, results.details),
        ]
    for name, color, details in parts:
        points = [one["reliability"] for one in (details or {}).values() if "reliability" in one]
        if points:
            yield name, color, points[0]


def _spread(values: Sequence[float]) -> list[float]:
    """Return places of labels, each at its value or above, so that none covers another."""
    places = [0.0] * len(values)
    last = -APART
    for index in sorted(range(len(values)), key=values.__getitem__):
        last = places[index] = max(values[index], last + APART)
    # Labels that were pushed over the top push those below them down again.
    top = 1.0
    for index in sorted(range(len(values)), key=places.__getitem__, reverse=True):
        places[index] = min(places[index], top)
        top = places[index] - APART
    return places
