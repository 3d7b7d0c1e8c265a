"""Holds results against the bounds that a spec sets."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from safecompress_core.results.schema import (
    AuditedModel,
    EarlierFigureRecord,
    EstimateRecord,
    GateOutcomeRecord,
    GateRecord,
    MeasuresRecord,
)
from safecompress_core.specfile.models.run_spec import Gate

__all__ = ["Reading", "gate_verdicts", "readings"]

MODEL_KEYS = {"density": "model_density", "file_bytes": "file_bytes"}
"""Sizes of a model by the name that a gate gives them: its density is that of the whole model."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A figure that a gate's measure names.

    Attributes:
        estimate: its value and its 95 % interval, in the unit of the measure.
        attack: the id of the attack that it is of; None for a measure of no attack.
        is_reversed: whether it is that of the attack with negated scores.
    """

    estimate: EstimateRecord
    attack: str | None = None
    is_reversed: bool = False

    @property
    def title(self) -> str | None:
        """Return the attack as results and sentences call it; None for a measure of no attack."""
        return f"{self.attack}, reversed" if self.is_reversed else self.attack


def gate_verdicts(
    gates: Sequence[Gate],
    *,
    compressed: AuditedModel,
    baseline: AuditedModel | None,
    earlier: Mapping[int, EarlierFigureRecord] = MappingProxyType({}),
) -> tuple[GateRecord, ...]:
    """Return the result of each gate, with that of the uncompressed model.

    Args:
        gates: of the spec.
        compressed: the chosen model.
        baseline: the uncompressed model; None where a model is audited by itself.
        earlier: of each relative gate, by its place in ``gates``, the figure that it compares with.
    """
    return tuple(
        _fixed_gate(gate, compressed, baseline)
        if gate.no_worse_than is None
        else _relative_gate(gate, compressed, earlier[place])
        for place, gate in enumerate(gates)
    )


def _fixed_gate(gate: Gate, compressed: AuditedModel, baseline: AuditedModel | None) -> GateRecord:
    return GateRecord(
        measure=gate.measure,
        at_least=gate.at_least,
        at_most=gate.at_most,
        against=gate.against,
        baseline=None if baseline is None else _outcome(gate, baseline),
        **dict(_outcome(gate, compressed)),
    )


def _relative_gate(
    gate: Gate, compressed: AuditedModel, earlier: EarlierFigureRecord
) -> GateRecord:
    """Return the result of a gate that compares with earlier results.

    The model is no worse by more than the margin if the whole interval says so, as in a test of
    non-inferiority.
    """
    held = earlier.worse_by if gate.against == "estimate" else earlier.worse_by_interval[1]
    compared = earlier.attacks and earlier.attacks[0]
    return GateRecord(
        measure=gate.measure,
        at_least=None,
        at_most=None,
        no_worse_than=gate.no_worse_than,
        margin=gate.margin,
        earlier=earlier,
        against=gate.against,
        value=next(
            reading.estimate.value
            for reading in readings(gate.measure, compressed)
            if reading.title == compared
        ),
        held=held,
        passed=held <= gate.margin,
        baseline=None,
    )


def _outcome(gate: Gate, part: AuditedModel) -> GateOutcomeRecord:
    """Return the end of the interval that is compared with a bound, and whether it is kept.

    The careful end is the one nearer to failing; of several attackers the worst counts, by what
    is compared with the bound.
    """
    # Estimates on request: gates on few samples would otherwise never pass.
    by_estimate = gate.against == "estimate"
    estimates = [reading.estimate for reading in readings(gate.measure, part)]
    if gate.at_least is not None:
        # The worst attack counts, so the lowest of all values has to be above the bound.
        held, value = min(
            (one.value if by_estimate else one.interval[0], one.value) for one in estimates
        )
        return GateOutcomeRecord(value=value, held=held, passed=held >= gate.at_least)
    assert gate.at_most is not None  # the spec has exactly one bound
    held, value = max(
        (one.value if by_estimate else one.interval[1], one.value) for one in estimates
    )
    return GateOutcomeRecord(value=value, held=held, passed=held <= gate.at_most)


def readings(measure: str, part: AuditedModel) -> Iterator[Reading]:
    """Yield everything that a gate's measure names; nothing where results lack it.

    An inverted attack counts in both directions: an adversary can turn it.
    """
    if measure in part.metrics:
        yield Reading(part.metrics[measure])
        return
    owner, _, name = measure.rpartition(".")
    if owner == "model" and name in MODEL_KEYS:
        size = getattr(part.model, MODEL_KEYS[name])
        # An audit of weights alone may not know the density.
        if size is not None:
            # A size has no interval: its value is all three numbers.
            yield Reading(EstimateRecord(value=float(size), interval=(float(size), float(size))))
        return
    for attacker, attack in part.audit.items():
        if owner in (attacker, attack.game):
            directions: list[MeasuresRecord] = [attack]
            # The reversed attack is as available to an adversary as the attack itself.
            if attack.reversed is not None:
                directions.append(attack.reversed)
            for direction in directions:
                # Attacks of other games may lack the measure.
                if estimate := direction.estimate(name):
                    yield Reading(estimate, attacker, direction is not attack)
