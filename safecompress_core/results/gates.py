"""Holds results against the bounds that a spec sets."""

from collections.abc import Iterator, Sequence

from safecompress_core.results.schema import (
    AuditedModel,
    GateOutcomeRecord,
    GateRecord,
    MeasuresRecord,
)
from safecompress_core.specfile.models.run_spec import Gate

__all__ = ["gate_verdicts"]

MODEL_KEYS = {"density": "model_density", "file_bytes": "file_bytes"}
"""Sizes of a model by the name that a gate gives them: its density is that of the whole model."""


def gate_verdicts(
    gates: Sequence[Gate], *, compressed: AuditedModel, baseline: AuditedModel | None
) -> tuple[GateRecord, ...]:
    """Return the result of each gate, with that of the uncompressed model.

    An audited model has no uncompressed one: ``baseline`` is None then.
    """
    return tuple(
        GateRecord(
            measure=gate.measure,
            at_least=gate.at_least,
            at_most=gate.at_most,
            against=gate.against,
            baseline=None if baseline is None else _outcome(gate, baseline),
            **dict(_outcome(gate, compressed)),
        )
        for gate in gates
    )


def _outcome(gate: Gate, part: AuditedModel) -> GateOutcomeRecord:
    """Return the end of the interval that is compared with a bound, and whether it is kept.

    The careful end is the one nearer to failing; of several attackers the worst counts, by what
    is compared with the bound.
    """
    # Estimates on request: gates on few samples would otherwise never pass.
    by_estimate = gate.against == "estimate"
    readings = list(_readings(gate.measure, part))
    if gate.at_least is not None:
        # The worst attack counts, so the lowest of all values has to be above the bound.
        held, value = min((value if by_estimate else low, value) for value, low, _ in readings)
        return GateOutcomeRecord(value=value, held=held, passed=held >= gate.at_least)
    assert gate.at_most is not None  # the spec has exactly one bound
    held, value = max((value if by_estimate else high, value) for value, _, high in readings)
    return GateOutcomeRecord(value=value, held=held, passed=held <= gate.at_most)


def _readings(measure: str, part: AuditedModel) -> Iterator[tuple[float, float, float]]:
    """Value, low and high end of everything that a gate's measure names.

    An inverted attack counts in both directions: an adversary can turn it.
    """
    if measure in part.metrics:
        reading = part.metrics[measure]
        yield reading.value, *reading.interval
        return
    owner, _, name = measure.rpartition(".")
    if owner == "model":
        # A size has no interval: its value is all three numbers.
        yield (float(getattr(part.model, MODEL_KEYS[name])),) * 3
        return
    for attacker, attack in part.audit.items():
        if owner in (attacker, attack.game):
            measures: list[MeasuresRecord] = [attack]
            # The reversed attack is as available to an adversary as the attack itself.
            if attack.reversed is not None:
                measures.append(attack.reversed)
            for measure_name in measures:
                # Attacks of other games may lack the measure.
                if estimate := measure_name.estimate(name):
                    yield estimate.value, *estimate.interval
