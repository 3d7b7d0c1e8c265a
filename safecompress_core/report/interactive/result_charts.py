"""Charts of results: attacks on all audited models, and the models that a run has tested."""

from collections.abc import Mapping, Sequence
from typing import Any

from safecompress_core.api import ADVANTAGE
from safecompress_core.report.figures.attack_readings import AttackReading
from safecompress_core.report.figures.candidate_models import CandidateModel
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

__all__ = ["attack_chart", "candidate_chart", "course_chart"]

STATUS = {
    "the chosen model": Color.AFTER,
    "archive": Color.FRONT,
    "chosen in its round": Color.TEXT,
    "tested": Color.OTHER,
}
"""What became of a tested model, the best first."""
SHAPES = {"the chosen model": "diamond"}
ROW = 18
"""Pixels of a row."""


def attack_chart(readings: Sequence[AttackReading]) -> Chart:
    """Return every measure of every attack on every audited model, with its interval."""
    colors = {reading.model: reading.color for reading in readings}
    titles = {reading.measure: reading.title for reading in readings}
    rows = [
        {
            "attack": reading.attack,
            "game": reading.game,
            "model": reading.model,
            "measure": reading.measure,
            "value": reading.value,
            "low": reading.low,
            "high": reading.high,
        }
        for reading in readings
    ]
    options = tuple(_measure_option(measure, title, rows) for measure, title in titles.items())
    names = list(dict.fromkeys(reading.attack for reading in readings))
    return Chart(
        id="attacks-live",
        title="Every attack of the audit on every audited model, with 95 % intervals",
        spec={
            "height": ROW * len(names) * (len(colors) + 1),
            "encoding": {
                "y": {
                    "field": "attack",
                    "type": "nominal",
                    "sort": names,
                    "title": None,
                    "scale": {"paddingInner": 0.35},
                },
                "yOffset": {"field": "model", "sort": list(colors)},
                "x": {"field": "value", "type": "quantitative"},
                "color": {"field": "model", "type": "nominal", "scale": color_scale(colors)},
            },
            "layer": [
                {
                    "mark": {"type": "rule", "strokeWidth": 2, "tooltip": {"content": "data"}},
                    "encoding": {"x": {"field": "low"}, "x2": {"field": "high"}},
                },
                focus_ring(),
                {"mark": {**POINT, "size": 90, "opacity": 1}},
            ],
        },
        rows=rows,
        columns=(
            Column(key="attack", title="attack"),
            Column(key="game", title="game"),
            Column(key="model", title="model"),
            Column(key="value", title="value"),
            Column(key="low", title="low"),
            Column(key="high", title="high"),
        ),
        controls=(
            Control(
                label="Measure",
                options=options,
                chosen=list(titles).index(ADVANTAGE) if ADVANTAGE in titles else 0,
            ),
        ),
    )


def candidate_chart(
    models: Sequence[CandidateModel], titles: Mapping[str, str], *, attack: str
) -> Chart:
    """Return all tested models, with any two measures as axes.

    Args:
        models: of all rounds.
        titles: of the measures, by key.
        attack: the measure to the right, at first.
    """
    keys, found = list(titles), _statuses(models)
    return Chart(
        id="tested-live",
        title="Every model that the run has tested, on the pool select",
        spec={
            "height": 380,
            "encoding": {
                "x": {"type": "quantitative"},
                "y": {"type": "quantitative"},
                "color": {
                    "field": "status",
                    "type": "nominal",
                    "scale": color_scale(found),
                },
            },
            "layer": [
                {
                    "transform": [{"filter": "datum.is_chosen"}],
                    "mark": {
                        "type": "line",
                        "strokeDash": [3, 3],
                        "strokeWidth": 1,
                        "opacity": 0.7,
                    },
                    "encoding": {
                        "order": {"field": "round"},
                        "color": {"value": Color.AFTER.css},
                    },
                },
                focus_ring(300),
                {
                    "mark": POINT,
                    "encoding": {
                        "shape": {
                            "field": "status",
                            "scale": {
                                "domain": list(found),
                                "range": [SHAPES.get(status, "circle") for status in found],
                            },
                        },
                        "opacity": {
                            "field": "round",
                            "type": "quantitative",
                            "scale": {"range": [0.35, 1]},
                            "legend": None,
                        },
                        "size": {
                            "condition": {
                                "test": "datum.status === 'the chosen model'",
                                "value": 190,
                            },
                            "value": 80,
                        },
                    },
                },
            ],
        },
        rows=_candidate_rows(models, keys),
        columns=_candidate_columns(models),
        controls=(
            Control(label="Up", options=_axis_options("y", titles), chosen=0),
            Control(
                label="To the right",
                options=_axis_options("x", titles),
                chosen=keys.index(attack),
            ),
        ),
    )


def course_chart(models: Sequence[CandidateModel], titles: Mapping[str, str]) -> Chart:
    """Return any measure over the rounds, a line for each lineage."""
    return Chart(
        id="course-live",
        title="Tested models over the rounds",
        spec={
            "height": 320,
            "encoding": {
                "x": {
                    "field": "round",
                    "type": "quantitative",
                    "title": "round",
                    "axis": {"tickMinStep": 1, "format": "d", "grid": False},
                    "scale": {"nice": False, "padding": 16, "zero": False},
                },
                "y": {"type": "quantitative"},
            },
            "layer": [
                {
                    "transform": [{"filter": "!datum.is_chosen"}],
                    "mark": {"type": "line", "strokeWidth": 1.5, "color": Color.OTHER.css},
                    "encoding": {"detail": {"field": "lineage"}},
                },
                {
                    "transform": [{"filter": "datum.is_chosen"}],
                    "mark": {"type": "line", "strokeWidth": 2.5, "color": Color.AFTER.css},
                },
                focus_ring(),
                {
                    "mark": {**POINT, "opacity": 1, "size": 60},
                    "encoding": {
                        "color": {
                            "field": "status",
                            "type": "nominal",
                            "scale": color_scale(_statuses(models)),
                        },
                    },
                },
            ],
        },
        rows=_candidate_rows(models, list(titles)),
        columns=_candidate_columns(models),
        controls=(Control(label="Measure", options=_axis_options("y", titles)),),
    )


def _measure_option(measure: str, title: str, rows: Sequence[Mapping[str, Any]]) -> Option:
    ends = [row[end] for row in rows if row["measure"] == measure for end in ("low", "high")]
    # Shares have one scale, so that no small difference looks large.
    is_share = min(ends) >= 0 and max(ends) <= 1
    scale = {"domain": [0, 1]} if is_share else {"zero": False}
    return Option(
        label=title,
        where={"measure": measure},
        patch={"encoding": {"x": {"title": title, "scale": scale}}},
    )


def _axis_options(axis: str, titles: Mapping[str, str]) -> tuple[Option, ...]:
    arrow = {"x": "→", "y": "↑"}[axis]
    return tuple(
        Option(
            label=title,
            patch={
                "encoding": {
                    axis: {
                        # A number instead of the key: a dot in a field's name means nesting.
                        "field": f"m{place}",
                        "title": f"{title} {arrow}",
                        "scale": {"zero": False, "nice": True, "padding": 12},
                    }
                }
            },
            columns=(Column(key=f"m{place}", title=title),),
        )
        for place, title in enumerate(titles.values())
    )


def _candidate_rows(models: Sequence[CandidateModel], keys: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {
            "model": model.id,
            "round": model.round,
            "lineage": model.lineage,
            "strategy": model.strategy,
            "status": _status(model),
            "is_chosen": model.is_chosen,
            **{f"m{place}": model.measures[key] for place, key in enumerate(keys)},
        }
        for model in models
    ]


def _candidate_columns(models: Sequence[CandidateModel]) -> tuple[Column, ...]:
    lineage = (Column(key="lineage", title="lineage"),)
    return (
        Column(key="model", title="model"),
        Column(key="status", title="status"),
        Column(key="strategy", title="strategy"),
        Column(key="round", title="round"),
        *(lineage if len({model.lineage for model in models}) > 1 else ()),
    )


def _statuses(models: Sequence[CandidateModel]) -> dict[str, Color]:
    """Return the statuses that occur, with their colours."""
    found = {_status(model) for model in models}
    return {status: color for status, color in STATUS.items() if status in found}


def _status(model: CandidateModel) -> str:
    chosen, archive, went_on, tested = STATUS
    if model.is_final:
        return chosen
    if model.on_front:
        return archive
    return went_on if model.is_chosen else tested
