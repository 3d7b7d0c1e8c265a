"""Data of a report's figures, taken from ``results.json``."""

from collections.abc import Sequence
from dataclasses import dataclass

from safecompress_core.api import ADVANTAGE
from safecompress_core.report.figures.attack_readings import attack_readings
from safecompress_core.report.figures.candidate_models import candidate_models, rounds_with_best
from safecompress_core.report.figures.drawing import (
    CandidatePoint,
    NoiseBar,
    RoundPoint,
    Whisker,
    course,
    forest,
    noise,
    trade_off,
    width,
)
from safecompress_core.report.figures.lineage_lines import LineageLine, lineage_lines
from safecompress_core.report.figures.svg import Color, SvgFigure
from safecompress_core.report.objectives import attack_figure, loss_figure, objective_name
from safecompress_core.report.race.history import (
    is_race,
    lineages,
    noun_of_models,
    rounds_with_choice,
)
from safecompress_core.results.schema import Results

__all__ = ["CaptionedFigure", "forests", "learning_figures", "noises", "trade_offs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptionedFigure:
    """A panel with what stands above it.

    Attributes:
        caption: the attack or objective.
        note: its game, or the like.
        svg: the drawing.
    """

    caption: str
    note: str
    svg: SvgFigure


def forests(results: Results) -> list[CaptionedFigure]:
    """Each attack of the audit on both models and on what else of the front was audited."""
    wide = width(len(results.audit))
    figures = []
    for index, (name, attack) in enumerate(results.audit.items()):
        whiskers = [
            Whisker(
                label=reading.model,
                value=reading.value,
                low=reading.low,
                high=reading.high,
                color=reading.color,
            )
            for reading in attack_readings(results)
            if reading.attack == name and reading.measure == ADVANTAGE
        ]
        title = f"Advantage of {name} by model"
        panel = forest(whiskers, name=f"forest-{index}", title=title, wide=wide)
        figures.append(CaptionedFigure(caption=name, note=attack.game, svg=panel))
    return figures


def trade_offs(results: Results) -> list[CaptionedFigure]:
    """Every candidate of every round, and every lineage, against each attack that tested it."""
    attackers = results.selection.attackers
    tested = candidate_models(results)
    figures = []
    for index, (attack, attacker) in enumerate(attackers.items()):
        trials = [
            CandidatePoint(
                round=model.round,
                performance=model.measures["performance"],
                advantage=model.measures[attack],
                on_front=model.on_front,
                is_chosen=model.is_chosen,
            )
            for model in tested
        ]
        if not trials:
            continue
        measure, noun = attack_figure(results, attack), noun_of_models(results)
        panel = trade_off(
            trials,
            name=f"trade-off-{index}",
            title=f"Performance against the {measure} of {attack}, all {noun}",
            wide=width(len(attackers)),
            measure=measure,
            noun=noun,
        )
        figures.append(
            CaptionedFigure(caption=attack, note=f"{attacker.game}, {attacker.access}", svg=panel)
        )
    return figures


def learning_figures(results: Results) -> list[CaptionedFigure]:
    """Each objective over the rounds; in a race of every lineage."""
    draw = _lines if is_race(results) else _course
    objectives = _objectives(results)
    figures = []
    for index, objective in enumerate(objectives):
        is_task = objective == "performance"
        note = (
            "higher is better" if is_task else f"{loss_figure(results, objective)}, lower is better"
        )
        panel = draw(
            results,
            objective,
            name=f"course-{index}",
            wide=width(len(objectives)),
            color=Color.AFTER if is_task else Color.LEAK,
        )
        caption = objective_name(results, objective)
        figures.append(CaptionedFigure(caption=caption, note=note, svg=panel))
    return figures


def _course(results: Results, objective: str, *, name: str, wide: int, color: Color) -> SvgFigure:
    """Draw what each round went on with, within the range of its candidates."""
    steps = [
        RoundPoint(
            round=record.round,
            chosen=best.objectives[objective],
            low=min(candidate.objectives[objective] for candidate in record.candidates),
            high=max(candidate.objectives[objective] for candidate in record.candidates),
        )
        for record, best in rounds_with_best(results)
    ]
    title = f"{objective_name(results, objective)} over the rounds"
    return course(steps, name=name, title=title, wide=wide, color=color)


def _lines(results: Results, objective: str, *, name: str, wide: int, color: Color) -> SvgFigure:
    """Draw the lineages of a race."""
    lines = [
        LineageLine(
            number=history.number,
            values=[model.objectives[objective] for model in history.models.values()],
            is_chosen=history.is_chosen,
        )
        for history in lineages(results)
    ]
    title = f"{objective_name(results, objective)} of each lineage over the rounds"
    return lineage_lines(lines, name=name, title=title, wide=wide, color=color)


def noises(results: Results) -> list[CaptionedFigure]:
    """By objective and round, how far candidates lie apart compared with the noise of the test."""
    objectives = _objectives(results)
    figures = []
    for index, objective in enumerate(objectives):
        rounds = rounds_with_choice(results)
        spreads = [record.spread[objective] for record in rounds]
        apart_count = sum(spread.tells_apart for spread in spreads)
        readings = [
            NoiseBar(
                round=record.round,
                spread=spread.spread,
                noise=spread.noise,
                tells_apart=spread.tells_apart,
            )
            for record, spread in zip(rounds, spreads, strict=True)
        ]
        name, noun = objective_name(results, objective), noun_of_models(results)
        panel = noise(
            readings,
            name=f"noise-{index}",
            title=f"Spread of the {noun} in {name}, and the test's noise, by round",
            wide=width(len(objectives)),
        )
        undistinguished = len(spreads) - apart_count
        note = (
            f"not distinguished in {undistinguished} of {len(spreads)} rounds"
            if undistinguished
            else "always distinguished"
        )
        figures.append(CaptionedFigure(caption=name, note=note, svg=panel))
    return figures


def _objectives(results: Results) -> Sequence[str]:
    return list(results.rounds[0].spread) if results.rounds else []
