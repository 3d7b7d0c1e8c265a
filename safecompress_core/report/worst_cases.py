"""Worst-case membership figures: TPR at few false positives, and the most exposed tenth.

Averages may improve while these do not, so each is compared with the uncompressed model's by
itself. A figure that is not above the guess has nothing left to improve.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from safecompress_core.report.change import direction
from safecompress_core.report.formatting import and_list, format_number
from safecompress_core.report.verdict import VerdictFinding

__all__ = [
    "WorstCaseFigure",
    "cautions",
    "find_unimproved_points",
    "find_unimproved_top_deciles",
    "worst_cases",
]

Results = Mapping[str, Any]
Judged = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _AttackFigure:
    """A figure of one attack on one model."""

    value: float
    interval: tuple[float, float]
    guess: float


Read = Callable[[Judged], _AttackFigure | None]
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
    interval: tuple[float, float]
    attacker: str
    guess: float
    improved: bool | None


def worst_cases(results: Results) -> tuple[WorstCaseFigure, ...]:
    """TPR at each false-positive rate that the pools resolve, then the most exposed tenth."""
    rates = dict.fromkeys(
        point["max_fpr"]
        for judged in results["audit"].values()
        for point in judged.get("operating_points", ())
    )
    labels = {f"TPR at ≤ {rate * 100:g} % false positives": _at(rate) for rate in rates}
    labels["members in the most exposed tenth"] = _tenth
    cases = (_worst(results, label, read) for label, read in labels.items())
    return tuple(case for case in cases if case is not None)


def find_unimproved_points(results: Results) -> frozenset[tuple[str, float]]:
    """Attack and false-positive rate of every TPR on the compressed model that did not improve."""
    return frozenset(
        (attack, point["max_fpr"])
        for attack, before, after in _both(results)
        for point in after.get("operating_points", ())
        if _has_improved(_at(point["max_fpr"])(before), _at(point["max_fpr"])(after)) is False
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


def _at(rate: float) -> Read:
    """Read the TPR at that false-positive rate; None where it cannot be resolved."""

    def read(judged: Judged) -> _AttackFigure | None:
        for point in judged.get("operating_points", ()):
            if point["max_fpr"] == rate and point["tpr"] is not None:
                return _AttackFigure(point["tpr"], tuple(point["interval"]), rate)
        return None

    return read


def _tenth(judged: Judged) -> _AttackFigure | None:
    top = judged.get("top_decile")
    if not top:
        return None
    return _AttackFigure(top["precision"], tuple(top["interval"]), top["baseline"])


def _worst(results: Results, label: str, read: Read) -> WorstCaseFigure | None:
    after = _highest(results, read)
    if after is None:
        return None
    attacker, reading = after
    before = None if results["baseline"] is None else _highest(results["baseline"], read)
    return WorstCaseFigure(
        label=label,
        after=reading.value,
        before=None if before is None else before[1].value,
        interval=reading.interval,
        attacker=attacker,
        guess=reading.guess,
        improved=_has_improved(before and before[1], reading),
    )


def _highest(part: Results, read: Read) -> tuple[str, _AttackFigure] | None:
    figures = [(name, read(judged)) for name, judged in part["audit"].items()]
    known = [(name, reading) for name, reading in figures if reading is not None]
    return max(known, key=lambda pair: pair[1].value, default=None)


def _has_improved(before: _AttackFigure | None, after: _AttackFigure | None) -> bool | None:
    if before is None or after is None:
        return None
    if after.value <= after.guess:
        return True
    old, new = ({"value": figure.value, "interval": figure.interval} for figure in (before, after))
    return direction(old, new, "value", "interval", higher_is_better=False) == "better"


def _both(results: Results) -> Iterator[tuple[str, Judged, Judged]]:
    """Each attack's result on the uncompressed and on the compressed model."""
    if results["baseline"] is not None:
        for attack, after in results["audit"].items():
            yield attack, results["baseline"]["audit"][attack], after
