"""Charts of risk: of each member, and of groups."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from safecompress_core.report.figures.score_data import RecordRisk
from safecompress_core.report.figures.svg import Color
from safecompress_core.report.interactive.chart import (
    DASHES,
    POINT,
    ROW,
    Chart,
    Column,
    Control,
    Option,
    focus_ring,
)
from safecompress_core.report.interactive.choices import choice, model_choice
from safecompress_core.results.schema import GroupRiskRecord

__all__ = ["group_chart", "risk_chart"]


def risk_chart(found: Sequence[RecordRisk], min_risk: float | None, strongest: str | None) -> Chart:
    """Return the chart of members by risk, with the line from which one counts as exposed."""
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
            choice("Attack", "attack", [one.attack for one in found], strongest),
            model_choice(one.model for one in found),
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


def group_chart(groups: Sequence[GroupRiskRecord]) -> Chart:
    """Return the chart of the mean risk of each group."""
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
