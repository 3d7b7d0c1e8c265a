"""Charts of single records: ROC curves, score histograms, risks, and confusion of attributes."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from safecompress_core.report.figures.score_data import (
    Confusion,
    RecordRisk,
    RocLine,
    ScoreFigures,
    ScoreHistogram,
)
from safecompress_core.report.figures.svg import Color
from safecompress_core.report.interactive.chart import (
    POINT,
    Chart,
    Column,
    Control,
    Option,
    color_scale,
    focus_ring,
)
from safecompress_core.results.schema import GroupRiskRecord
from safecompress_core.results.score_file import BASELINE

__all__ = ["score_charts"]

SIDES = {"members": Color.LEAK, "non-members": Color.OTHER}
HIDDEN = {**POINT, "opacity": 0}
"""Points that only a pointer finds."""
DASHES = [3, 2]
ROW = 22
"""Pixels of a row."""
MOST_LETTERS = 48
"""Of the names below an axis together, if they stand upright on a narrow page."""


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
        yield _risk_chart(data.risks, data.min_risk, strongest)
    if data.groups:
        yield _group_chart(data.groups)
    if data.confusions:
        yield _confusion_chart(data.confusions)


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
            _choice("Attack", "attack", [line.attack for line in lines], strongest),
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
            _choice("Attack", "attack", [one.attack for one in found], strongest),
            _model_choice(one.model for one in found),
        ),
    )


def _risk_chart(
    found: Sequence[RecordRisk], min_risk: float | None, strongest: str | None
) -> Chart:
    rows: list[dict[str, Any]] = [
        {
            "attack": one.attack,
            "model": one.model,
            "place": member.place,
            "risk": member.risk,
            "low": member.low,
            "high": member.high,
            "position": member.position,
            "label": member.label,
        }
        for one in found
        for member in one.members
    ]
    spread = {
        "transform": [{"filter": "isValid(datum.low)"}],
        "mark": {"type": "rule", "opacity": 0.25, "color": Color.LEAK.css},
        "encoding": {"y": {"field": "low"}, "y2": {"field": "high"}},
    }
    return Chart(
        id="risk-live",
        title="Members by risk, the most exposed first",
        spec={
            "height": 300,
            "encoding": {
                "x": {
                    "field": "place",
                    "type": "quantitative",
                    "title": "members, the most exposed first →",
                    "scale": {"nice": False, "padding": 8},
                    "axis": {"grid": False, "tickMinStep": 1},
                },
                "y": {
                    "field": "risk",
                    "type": "quantitative",
                    "title": "risk: probability of being a member ↑",
                    "scale": {"domain": [0, 1]},
                },
            },
            "layer": [
                *([spread] if any(row["low"] is not None for row in rows) else []),
                focus_ring(),
                {"mark": {**POINT, "opacity": 1, "size": 26, "color": Color.LEAK.css}},
                *([] if min_risk is None else [_bound(min_risk)]),
            ],
        },
        rows=rows,
        columns=(
            Column(key="place", title="place"),
            Column(key="position", title="sample"),
            Column(key="label", title="label"),
            Column(key="risk", title="risk"),
            Column(key="low", title="low"),
            Column(key="high", title="high"),
        ),
        controls=(
            _choice("Attack", "attack", [one.attack for one in found], strongest),
            _model_choice(one.model for one in found),
        ),
    )


def _bound(min_risk: float) -> dict[str, Any]:
    """Return the line from which a member counts as exposed."""
    return {
        # A row of its own, or each of the others would draw the line again.
        "data": {"values": [{"bound": min_risk, "silent": True}]},
        "mark": {"type": "rule", "strokeDash": DASHES, "color": Color.TEXT.css},
        "encoding": {"y": {"field": "bound", "type": "quantitative"}, "x": None},
    }


def _group_chart(groups: Sequence[GroupRiskRecord]) -> Chart:
    rows = [
        {
            "by": group.by,
            "value": group.value,
            "members": group.members,
            "risk": group.risk,
            "low": group.risk_interval[0],
            "high": group.risk_interval[1],
            "exposed": group.exposed,
        }
        for group in groups
    ]
    return Chart(
        id="groups-live",
        title="Mean risk of the members of each group, with 95 % intervals",
        spec={
            "encoding": {
                "y": {
                    "field": "value",
                    "type": "nominal",
                    "title": None,
                    "sort": {"field": "risk", "order": "descending"},
                },
                "x": {
                    "field": "risk",
                    "type": "quantitative",
                    "title": "mean risk of members →",
                    "scale": {"domain": [0, 1]},
                },
            },
            "layer": [
                {
                    "mark": {"type": "rule", "strokeWidth": 2, "color": Color.LEAK.css},
                    "encoding": {"x": {"field": "low"}, "x2": {"field": "high"}},
                },
                focus_ring(),
                {"mark": {**POINT, "opacity": 1, "size": 90, "color": Color.LEAK.css}},
            ],
        },
        rows=rows,
        columns=(
            Column(key="value", title="group"),
            Column(key="members", title="members"),
            Column(key="risk", title="mean risk"),
            Column(key="low", title="low"),
            Column(key="high", title="high"),
            Column(key="exposed", title="exposed"),
        ),
        controls=(
            Control(
                label="By",
                options=tuple(
                    Option(label=by, where={"by": by}, patch={"height": ROW * count})
                    for by, count in Counter(group.by for group in groups).items()
                ),
            ),
        ),
    )


def _confusion_chart(found: Sequence[Confusion]) -> Chart:
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
            _model_choice(one.model for one in found),
        ),
    )


def _is_short(found: Sequence[Confusion]) -> bool:
    """Return whether all names of values fit next to each other."""
    return all(
        len(value) * len(one.values) <= MOST_LETTERS for one in found for value in one.values
    )


def _rate(field: str, title: str) -> dict[str, Any]:
    return {
        "field": field,
        "type": "quantitative",
        "title": title,
        "scale": {"domain": [0, 1], "nice": False},
    }


def _choice(label: str, field: str, values: Sequence[str], first: str | None) -> Control:
    names = list(dict.fromkeys(values))
    return Control(
        label=label,
        options=tuple(Option(label=name, where={field: name}) for name in names),
        chosen=names.index(first) if first in names else 0,
    )


def _model_choice(models: Iterable[str]) -> Control:
    """Return the choice of a model; the chosen one comes first."""
    names = sorted(dict.fromkeys(models), key=lambda name: name == BASELINE)
    options: Mapping[str, Option] = {
        name: Option(label=name, where={"model": name}) for name in names
    }
    return Control(label="Model", options=tuple(options.values()))
