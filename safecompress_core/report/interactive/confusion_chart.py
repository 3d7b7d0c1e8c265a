"""Chart of an attribute's true and inferred values."""

from collections.abc import Sequence
from typing import Any

from safecompress_core.report.figures.score_data import Confusion
from safecompress_core.report.figures.svg import Color
from safecompress_core.report.interactive.chart import ROW, Chart, Column, Control, Option
from safecompress_core.report.interactive.choices import model_choice

__all__ = ["confusion_chart"]

MOST_LETTERS = 48
"""Of the names below an axis together, if they stand upright on a narrow page."""


def confusion_chart(found: Sequence[Confusion]) -> Chart:
    """Return the chart of how often each true value was inferred as each value."""
    rows: list[dict[str, Any]] = []
    for one in found:
        for true, counts in zip(one.values, one.counts, strict=True):
            total = max(sum(counts), 1)
            rows += [
                {
                    "attack": one.attack,
                    "model": one.model,
                    "true": true,
                    "guess": guess,
                    "count": count,
                    "share": count / total,
                }
                for guess, count in zip(one.values, counts, strict=True)
            ]
    return Chart(
        id="confusion-live",
        title="True and inferred values of an attribute",
        spec={
            "encoding": {
                "y": {"field": "true", "type": "nominal", "title": "true value"},
                "x": {
                    "field": "guess",
                    "type": "nominal",
                    "title": "inferred value",
                    "axis": {"labelLimit": 90, "labelAngle": 0 if _is_short(found) else -45},
                },
            },
            "layer": [
                {
                    "mark": {
                        "type": "rect",
                        "color": Color.AFTER.css,
                        "tooltip": {"content": "data"},
                    },
                    "encoding": {
                        "opacity": {
                            "field": "share",
                            "type": "quantitative",
                            "scale": {"domain": [0, 1], "range": [0.03, 1]},
                            "legend": None,
                        },
                        "stroke": {
                            "condition": {
                                "test": "datum.key === focus",
                                "value": Color.TEXT.css,
                            },
                            "value": None,
                        },
                    },
                },
                {
                    "mark": {"type": "text", "tooltip": {"content": "data"}},
                    "encoding": {
                        "text": {
                            "condition": {"test": "datum.count > 0", "field": "count"},
                            "value": "",
                        },
                        # On a strong colour the page's ground is easier to read.
                        "color": {
                            "condition": {
                                "test": "datum.share > 0.5",
                                "value": Color.GROUND.css,
                            },
                            "value": Color.TEXT.css,
                        },
                    },
                },
            ],
        },
        rows=rows,
        columns=(
            Column(key="true", title="true value"),
            Column(key="guess", title="inferred"),
            Column(key="count", title="records"),
            Column(key="share", title="share of the true value"),
        ),
        controls=(
            Control(
                label="Attack",
                options=tuple(
                    Option(label=attack, where={"attack": attack}, patch={"height": ROW * size})
                    for attack, size in {one.attack: len(one.values) for one in found}.items()
                ),
            ),
            model_choice(one.model for one in found),
        ),
    )


def _is_short(found: Sequence[Confusion]) -> bool:
    """Return whether all names of values fit next to each other."""
    return all(
        len(value) * len(one.values) <= MOST_LETTERS for one in found for value in one.values
    )
