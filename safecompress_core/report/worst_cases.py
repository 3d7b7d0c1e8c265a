"""Worst-case membership figures: TPR at few false positives, and the most exposed tenth.

Averages may improve while these do not, so each is compared with the uncompressed model's by
itself. A figure that is not above the guess has nothing left to improve.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from safecompress_core.report.change import direction
from safecompress_core.report.formatting import and_list, format_number
from safecompress_core.report.verdict import VerdictFinding
from safecompress_core.results.schema import (
    AnyAttackRecord,
    AuditedPart,
    EstimateRecord,
    Interval,
    MembershipRecord,
    OperatingPointRecord,
    Results,
    UnresolvedPointRecord,
)

__all__ = [
    "WorstCaseFigure",
    "cautions",
    "find_unimproved_points",
    "find_unimproved_top_deciles",
    "worst_cases",
]


@dataclass(frozen=True, slots=True)
class _AttackFigure:
    """A figure of one attack on one model."""

    estimate: EstimateRecord
    guess: float


Read = Callable[[AnyAttackRecord], _AttackFigure | None]
"""Reads a figure of an attack's result; None where it has none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorstCaseFigure:
    """A worst-case figure, of each model that of its own strongest attack.

    Attributes:
        label: what is measured.
        after: estimate on the compressed model, or on the one that was audited alone.
        before: on the uncompressed model; None without one.
        interval: 95 %, of ``after``.
        attacker: the attack that reaches ``after``.
        guess: what it would be without the model.
        improved: whether it is lower beyond the noise, or not above the guess; None without an
            uncompressed model.
    """

    label: str
    after: float
    before: float | None
    interval: Interval
    attacker: str
    guess: float
    improved: bool | None


def worst_cases(results: Results) -> tuple[WorstCaseFigure, ...]:
    """TPR at each false-positive rate that the pools resolve, then the most exposed tenth."""
    rates = dict.fromkeys(
        point.max_fpr for attack in results.audit.values() for point in _points(attack)
    )
    labels = {f"TPR at ≤ {rate * 100:g} % false positives": _at(rate) for rate in rates}
    labels["members in the most exposed tenth"] = _tenth
    cases = (_worst(results, label, read) for label, read in labels.items())
    return tuple(case for case in cases if case is not None)


def find_unimproved_points(results: Results) -> frozenset[tuple[str, float]]:
    """Attack and false-positive rate of every TPR on the compressed model that did not improve."""
    return frozenset(
        (name, point.max_fpr)
        for name, before, after in _both(results)
        for point in _points(after)
        if _has_improved(_at(point.max_fpr)(before), _at(point.max_fpr)(after)) is False
    )


def find_unimproved_top_deciles(results: Results) -> frozenset[str]:
    """Attacks whose most exposed tenth on the compressed model did not improve."""
    return frozenset(
        attack
        for attack, before, after in _both(results)
        if _has_improved(_tenth(before), _tenth(after)) is False
    )


def cautions(results: Results) -> tuple[VerdictFinding, ...]:
    """One sentence for all worst-case figures that did not improve; none where all of them did."""
    worse = [worst_case for worst_case in worst_cases(results) if worst_case.improved is False]
    if not worse:
        return ()
    sentences = [
        f"{case.label} {format_number(case.after)}, was {format_number(case.before or 0)}"
        for case in worse
    ]
    figures = "figure" if len(worse) == 1 else "figures"
    listed = and_list(sentences)
    text = f"{len(worse)} worst-case {figures} did not improve beyond the noise: {listed}."
    return (VerdictFinding(text, is_caution=True),)


def _points(attack: AnyAttackRecord) -> tuple[OperatingPointRecord | UnresolvedPointRecord, ...]:
    return attack.operating_points if isinstance(attack, MembershipRecord) else ()


def _at(rate: float) -> Read:
    """Read the TPR at that false-positive rate; None where it cannot be resolved."""

    def read(attack: AnyAttackRecord) -> _AttackFigure | None:
        for point in _points(attack):
            if point.max_fpr == rate and isinstance(point, OperatingPointRecord):
                return _AttackFigure(EstimateRecord(value=point.tpr, interval=point.interval), rate)
        return None

    return read


def _tenth(attack: AnyAttackRecord) -> _AttackFigure | None:
    top = attack.top_decile if isinstance(attack, MembershipRecord) else None
    if top is None:
        return None
    return _AttackFigure(EstimateRecord(value=top.precision, interval=top.interval), top.baseline)


def _worst(results: Results, label: str, read: Read) -> WorstCaseFigure | None:
    after = _highest(results, read)
    if after is None:
        return None
    attacker, reading = after
    before = None if results.baseline is None else _highest(results.baseline, read)
    return WorstCaseFigure(
        label=label,
        after=reading.estimate.value,
        before=None if before is None else before[1].estimate.value,
        interval=reading.estimate.interval,
        attacker=attacker,
        guess=reading.guess,
        improved=_has_improved(before and before[1], reading),
    )


def _highest(part: AuditedPart, read: Read) -> tuple[str, _AttackFigure] | None:
    figures = [(name, read(attack)) for name, attack in part.audit.items()]
    available = [(name, reading) for name, reading in figures if reading is not None]
    return max(available, key=lambda pair: pair[1].estimate.value, default=None)


def _has_improved(before: _AttackFigure | None, after: _AttackFigure | None) -> bool | None:
    if before is None or after is None:
        return None
    if after.estimate.value <= after.guess:
        return True
    return direction(before.estimate, after.estimate, higher_is_better=False) == "better"


def _both(results: Results) -> Iterator[tuple[str, AnyAttackRecord, AnyAttackRecord]]:
    """Each attack's result on the uncompressed and on the compressed model."""
    if results.baseline is not None:
        for name, after in results.audit.items():
            yield name, results.baseline.audit[name], after
