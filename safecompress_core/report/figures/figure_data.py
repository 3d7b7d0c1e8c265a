"""Data of a report's figures, taken from ``results.json``."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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
    chosen_model,
    is_race,
    lineages,
    noun_of_models,
    rounds_with_choice,
)
from safecompress_core.report.summary import columns_of, ends_of
from safecompress_core.results.schema import (
    AuditedPart,
    CandidateRecord,
    Results,
    RoundRecord,
)

__all__ = ["CaptionedFigure", "forests", "learning_figures", "noises", "trade_offs"]

ROLES = {
    ("performance",): "best at task",
    ("safety",): "safest",
    ("performance", "safety"): "best and safest",
}


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
    models = list(_list_audited(results))
    wide = width(len(results.audit))
    figures = []
    for index, (name, attack) in enumerate(results.audit.items()):
        readings = [(label, color, part.audit[name]) for label, color, part in models]
        whiskers = [
            Whisker(
                label=label,
                value=attack_record.advantage,
                low=attack_record.advantage_interval[0],
                high=attack_record.advantage_interval[1],
                color=color,
            )
            for label, color, attack_record in readings
        ]
        title = f"Advantage of {name} by model"
        panel = forest(whiskers, name=f"forest-{index}", title=title, wide=wide)
        figures.append(CaptionedFigure(caption=name, note=attack.game, svg=panel))
    return figures


def trade_offs(results: Results) -> list[CaptionedFigure]:
    """Every candidate of every round, and every lineage, against each attack that tested it."""
    attackers = results.selection.attackers
    front = {entry.id for entry in results.archive}
    figures = []
    for index, (attack, attacker) in enumerate(attackers.items()):
        trials = [
            CandidatePoint(
                round=record.round,
                performance=candidate.objectives["performance"],
                advantage=candidate.objectives[attack],
                on_front=candidate.id in front,
                is_chosen=candidate is best,
            )
            for record, best in _rounds(results)
            for candidate in record.candidates
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
        for record, best in _rounds(results)
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


def _rounds(results: Results) -> Iterator[tuple[RoundRecord, CandidateRecord]]:
    """Each round with the best of the candidates that it went on with.

    In a race with the model of the lineage that the run chose: equals have no best one before.
    """
    winner = chosen_model(results).lineage if is_race(results) else None
    for record in results.rounds:
        chosen = [candidate for candidate in record.candidates if candidate.chosen]
        of_winner = [candidate for candidate in chosen if candidate.lineage == winner]
        yield record, max(of_winner or chosen, key=lambda candidate: candidate.utility)


def _list_audited(results: Results) -> Iterator[tuple[str, Color, AuditedPart]]:
    """Label, colour and audit of every model that has one.

    The archive's chosen one is the compressed model, so it is there once.
    """
    *before, after = columns_of(results).items()
    for name, part in before:
        yield name, Color.BEFORE, part
    yield after[0], Color.AFTER, after[1]
    ends = ends_of(results)
    for entry in results.archive:
        if entry.audited is not None and not entry.chosen:
            roles = [end for end, model in ends.items() if model == entry.id]
            yield ROLES.get(tuple(roles), entry.id), Color.FRONT, entry.audited
