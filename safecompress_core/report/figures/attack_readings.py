"""Readings of the audit's attacks: each measure on each audited model, with its interval."""

from collections.abc import Iterator
from dataclasses import dataclass

from safecompress_core.games.records import game_in
from safecompress_core.report.figures.svg import Color
from safecompress_core.report.summary import columns_of, ends_of
from safecompress_core.results.schema import AnyAttackRecord, AuditedPart, Results

__all__ = ["AttackReading", "AuditedColumn", "attack_readings", "audited_models"]

ROLES = {
    ("performance",): "best at task",
    ("safety",): "safest",
    ("performance", "safety"): "best and safest",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedColumn:
    """A model that was audited, as figures show it.

    Attributes:
        label: what figures call it.
        color: its colour.
        part: its audit.
        id: of a model of the archive; None for another one.
    """

    label: str
    color: Color
    part: AuditedPart
    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttackReading:
    """A measure of an attack on a model, in the unit of the measure.

    Attributes:
        attack: the id of the attack.
        game: what it plays.
        model: what figures call the model.
        color: the model's colour.
        measure: the key of the measure in results.
        title: what tables call it.
        value, low, high: the estimate and its 95 % interval.
        is_safer: whether a higher figure is the safer one.
    """

    attack: str
    game: str
    model: str
    color: Color
    measure: str
    title: str
    value: float
    low: float
    high: float
    is_safer: bool = False


def audited_models(results: Results) -> Iterator[AuditedColumn]:
    """Yield every model that has an audit.

    The archive's chosen one is the compressed model, so it is there once.
    """
    *before, (label, chosen) = columns_of(results).items()
    for name, part in before:
        yield AuditedColumn(label=name, color=Color.BEFORE, part=part)
    own = next((entry.id for entry in results.archive if entry.chosen), None)
    yield AuditedColumn(label=label, color=Color.AFTER, part=chosen, id=own)
    ends = ends_of(results)
    for entry in results.archive:
        if entry.audited is not None and not entry.chosen:
            roles = [end for end, model in ends.items() if model == entry.id]
            label = ROLES.get(tuple(roles), entry.id)
            yield AuditedColumn(label=label, color=Color.FRONT, part=entry.audited, id=entry.id)


def attack_readings(results: Results) -> tuple[AttackReading, ...]:
    """Return every measure with an interval of every attack on every audited model."""
    return tuple(
        reading
        for name in results.audit
        for model in audited_models(results)
        for reading in _readings(results, name, model.part.audit[name], model)
    )


def _readings(
    results: Results, name: str, attack: AnyAttackRecord, model: AuditedColumn
) -> Iterator[AttackReading]:
    game = game_in(results.games, attack.game)
    for measure in game.measures:
        estimate = attack.estimate(measure.name)
        if estimate is not None:
            yield AttackReading(
                attack=name,
                game=game.name,
                model=model.label,
                color=model.color,
                measure=measure.name,
                title=measure.title,
                value=estimate.value,
                low=estimate.interval[0],
                high=estimate.interval[1],
                is_safer=measure.higher == "safer",
            )
    for point in getattr(attack, "operating_points", None) or ():
        # A rate that the pool cannot resolve is null.
        if point.tpr is not None:
            yield AttackReading(
                attack=name,
                game=game.name,
                model=model.label,
                color=model.color,
                measure=f"tpr@{point.max_fpr:g}",
                title=f"TPR at {point.max_fpr * 100:g} % FPR",
                value=point.tpr,
                low=point.interval[0],
                high=point.interval[1],
            )
