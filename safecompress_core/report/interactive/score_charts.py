"""Charts of single records: ROC curves and score histograms, and all that other modules draw."""

from collections.abc import Iterator, Sequence
from typing import Any

from safecompress_core.report.figures.score_data import RocLine, ScoreFigures, ScoreHistogram
from safecompress_core.report.figures.svg import Color
from safecompress_core.report.interactive.chart import (
    DASHES,
    POINT,
    Chart,
    Column,
    Control,
    Option,
    color_scale,
    focus_ring,
)
from safecompress_core.report.interactive.choices import choice, model_choice
from safecompress_core.report.interactive.confusion_chart import confusion_chart
from safecompress_core.report.interactive.risk_charts import group_chart, risk_chart

__all__ = ["score_charts"]

SIDES = {"members": Color.LEAK, "non-members": Color.OTHER}
HIDDEN = {**POINT, "opacity": 0}
"""Points that only a pointer finds."""


def score_charts(data: ScoreFigures, *, strongest: str | None) -> Iterator[Chart]:
    """Yield the charts of all figures of records that there are.

    Args:
        data: of the figures.
        strongest: the attack that is shown at first, where it is among them.
    """
    if data.roc:
        yield _roc_chart(data.roc, strongest)
    if data.histograms:
        yield _histogram_chart(data.histograms, strongest)
    if data.risks:
        yield risk_chart(data.risks, data.min_risk, strongest)
    if data.groups:
        yield group_chart(data.groups)
    if data.confusions:
        yield confusion_chart(data.confusions)


def _roc_chart(lines: Sequence[RocLine], strongest: str | None) -> Chart:
    floor = min(line.floor for line in lines)
    log = {"type": "log", "domain": [floor, 1], "nice": False}
    axis = {"format": "~g", "tickCount": 4}
    return Chart(
        id="roc-live",
        title="ROC curves, with 95 % bands",
        spec={
            "height": 380,
            "encoding": {
                "x": _rate("x", "false-positive rate →"),
                "y": _rate("y", "true-positive rate ↑"),
                "color": {
                    "field": "model",
                    "type": "nominal",
                    "scale": color_scale({line.model: line.color for line in lines}),
                },
            },
            "layer": [
                {
                    "transform": [{"filter": "datum.kind === 'chance'"}],
                    "mark": {"type": "line", "strokeDash": [4, 4], "strokeWidth": 1},
                    "encoding": {"color": {"value": Color.OTHER.css}},
                },
                {
                    "transform": [{"filter": "datum.kind === 'band'"}],
                    "mark": {"type": "area", "opacity": 0.15},
                    "encoding": {"y2": {"field": "y2"}},
                },
                {
                    "transform": [{"filter": "datum.kind === 'curve'"}],
                    "mark": {"type": "line", "strokeWidth": 2},
                    "encoding": {"order": {"field": "place"}},
                },
                focus_ring(90),
                {
                    "transform": [{"filter": "datum.kind === 'curve'"}],
                    "mark": {**HIDDEN, "size": 120},
                },
            ],
        },
        rows=list(_roc_rows(lines, floor)),
        columns=(
            Column(key="attack", title="attack"),
            Column(key="model", title="model"),
            Column(key="fpr", title="false-positive rate"),
            Column(key="tpr", title="true-positive rate"),
        ),
        controls=(
            choice("Attack", "attack", [line.attack for line in lines], strongest),
            Control(
                label="Axes",
                options=(
                    Option(
                        label="logarithmic",
                        patch={
                            "encoding": {
                                "x": {"scale": log, "axis": axis},
                                "y": {"scale": log, "axis": axis},
                            }
                        },
                    ),
                    Option(label="linear"),
                ),
            ),
        ),
    )


def _roc_rows(lines: Sequence[RocLine], floor: float) -> Iterator[dict[str, Any]]:
    """Yield points of curves and bands; ``x`` and ``y`` are kept above 0, for logarithms."""
    for end in (floor, 1):
        yield {"kind": "chance", "silent": True, "x": end, "y": end}
    for line in lines:
        owner = {"attack": line.attack, "model": line.model}
        for place, (fpr, tpr) in enumerate(zip(line.fpr, line.tpr, strict=True)):
            point = {"fpr": fpr, "tpr": tpr, "x": max(fpr, floor), "y": max(tpr, floor)}
            yield {**owner, "kind": "curve", "place": place, **point}
        for band in line.band:
            ends = {"x": band.fpr, "y": max(band.low, floor), "y2": band.high}
            yield {**owner, "kind": "band", "silent": True, **ends}


def _histogram_chart(found: Sequence[ScoreHistogram], strongest: str | None) -> Chart:
    rows: list[dict[str, Any]] = []
    for one in found:
        owner = {"attack": one.attack, "model": one.model}
        for bin_ in one.bins:
            for side, share in (("non-members", bin_.non_members), ("members", bin_.members)):
                ends = {"low": bin_.low, "high": bin_.high}
                rows.append({**owner, "kind": "bin", "side": side, **ends, "share": share})
        if one.threshold is not None:
            line = {"kind": "threshold", "silent": True, "low": one.threshold, "share": 0}
            rows.append({**owner, **line})
    return Chart(
        id="scores-live",
        title="Scores of members and of non-members",
        spec={
            "height": 260,
            "encoding": {
                "x": {"field": "low", "type": "quantitative", "title": "score →"},
                "y": {
                    "field": "share",
                    "type": "quantitative",
                    "title": "share of either side ↑",
                    "axis": {"format": "~%", "tickCount": 4},
                },
            },
            "layer": [
                {
                    "transform": [{"filter": "datum.kind === 'bin'"}],
                    "mark": {"type": "bar", "opacity": 0.5, "tooltip": {"content": "data"}},
                    "encoding": {
                        "x": {
                            "field": "low",
                            "bin": "binned",
                            "axis": {"grid": False},
                            "scale": {"zero": False, "nice": False},
                        },
                        "x2": {"field": "high"},
                        "y": {"field": "share", "stack": None},
                        "color": {"field": "side", "type": "nominal", "scale": color_scale(SIDES)},
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
                    "transform": [{"filter": "datum.kind === 'threshold'"}],
                    "mark": {"type": "rule", "strokeDash": DASHES, "color": Color.TEXT.css},
                    "encoding": {"y": {"value": 0}, "y2": {"value": "height"}},
                },
            ],
        },
        rows=rows,
        columns=(
            Column(key="attack", title="attack"),
            Column(key="model", title="model"),
            Column(key="side", title="side"),
            Column(key="low", title="score from"),
            Column(key="high", title="to"),
            Column(key="share", title="share"),
        ),
        controls=(
            choice("Attack", "attack", [one.attack for one in found], strongest),
            model_choice(one.model for one in found),
        ),
    )


def _rate(field: str, title: str) -> dict[str, Any]:
    return {
        "field": field,
        "type": "quantitative",
        "title": title,
        "scale": {"domain": [0, 1], "nice": False},
    }
