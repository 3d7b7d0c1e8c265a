"""Chart: a Vega-Lite specification with its rows, and the choices that a reader has.

A page holds charts as JSON. Its script lays the patches of the chosen options over the
specification, keeps the rows that they ask for, and draws the rest with Vega-Lite; it reads single
rows aloud by ``columns``, in tooltips, by the keyboard and in a table.

Every row has a ``key``, its place among the rows; a ``silent`` one is drawn and not read. A
specification refers to the parameter ``focus``, the key of the row that is read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from safecompress_core.report.figures.svg import Color

__all__ = [
    "CONFIG",
    "DASHES",
    "POINT",
    "ROW",
    "Chart",
    "Column",
    "Control",
    "Option",
    "color_scale",
    "focus_ring",
]

Json = Mapping[str, Any]

POINT: Json = {"type": "point", "filled": True, "tooltip": {"content": "data"}}
"""Mark of a row that a pointer reads."""
DASHES = [3, 2]
ROW = 22
"""Pixels of a row."""
SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"

CONFIG: Json = {
    "background": None,
    "font": "system-ui, sans-serif",
    "view": {"stroke": None},
    # The page reads rows by itself; a node for each of hundreds of marks only gets in the way.
    "aria": False,
    "axis": {
        "domain": False,
        "ticks": False,
        "gridColor": Color.GRID.css,
        "labelColor": Color.MUTED.css,
        "titleColor": Color.MUTED.css,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelPadding": 6,
        "labelLimit": 130,
    },
    "axisQuantitative": {"tickCount": 6},
    "legend": {
        "orient": "top",
        "title": None,
        "labelColor": Color.TEXT.css,
        "labelFontSize": 12,
        "columns": 2,
        "columnPadding": 16,
        "symbolOpacity": 1,
    },
    "text": {"color": Color.TEXT.css, "fontSize": 11},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A value that is read of a row: its key, and what it is called."""

    key: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One choice.

    Attributes:
        label: what the reader sees.
        patch: laid over the specification, as RFC 7396 says it.
        where: values that rows must have; a row without the key is kept.
        columns: what is read of a row in addition.
    """

    label: str
    patch: Json = field(default_factory=dict)
    where: Json = field(default_factory=dict)
    columns: tuple[Column, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A list of options, of which one is chosen: the first, unless ``chosen`` says otherwise."""

    label: str
    options: tuple[Option, ...]
    chosen: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A figure that can be read row by row.

    Attributes:
        id: of its place in the page.
        title: what it is.
        spec: Vega-Lite, without data.
        rows: the data.
        columns: what is read of a row.
        controls: the choices.
    """

    id: str
    title: str
    spec: Json
    rows: Sequence[Json]
    columns: tuple[Column, ...]
    controls: tuple[Control, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain values; a control without a choice is left out."""
        return {
            "id": self.id,
            "title": self.title,
            "spec": {
                "$schema": SCHEMA,
                "width": "container",
                "params": [{"name": "focus", "value": -1}],
                "config": CONFIG,
                **self.spec,
            },
            "rows": [{"key": key, **row} for key, row in enumerate(self.rows)],
            "columns": [_column(column) for column in self.columns],
            "controls": [
                {
                    "label": control.label,
                    "chosen": control.chosen,
                    "options": [
                        {
                            "label": option.label,
                            "patch": option.patch,
                            "where": option.where,
                            "columns": [_column(column) for column in option.columns],
                        }
                        for option in control.options
                    ],
                }
                for control in self.controls
                if any(option.patch or option.where for option in control.options)
            ],
        }


def color_scale(colors: Mapping[str, Color]) -> dict[str, Any]:
    """Return the scale of names in colours, each a variable of the page."""
    return {"domain": list(colors), "range": [color.css for color in colors.values()]}


def focus_ring(size: int = 180) -> dict[str, Any]:
    """Return the layer that marks the row that is read; others lie on it."""
    return {
        "transform": [{"filter": "!datum.silent"}],
        "mark": {"type": "point", "size": size, "filled": False, "strokeWidth": 2},
        "encoding": {
            "color": {"value": Color.TEXT.css},
            # Hidden instead of left out: without a row the axes would have no extent.
            "opacity": {"condition": {"test": "datum.key === focus", "value": 1}, "value": 0},
        },
    }


def _column(column: Column) -> dict[str, str]:
    return {"key": column.key, "title": column.title}
