"""Relative gates: figures of these results compared with those of earlier ones."""

from collections.abc import Mapping, Sequence

from safecompress_core.results.earlier_results import EarlierResults, read_earlier_results
from safecompress_core.results.gates import Reading, readings
from safecompress_core.results.schema import AuditedModel, EarlierFigureRecord, EstimateRecord
from safecompress_core.specfile.models.run_spec import Gate
from safecompress_core.stats.intervals import Estimate, mean_difference_of_independent

__all__ = ["compare_with_earlier"]


def compare_with_earlier(
    gates: Sequence[Gate], compressed: AuditedModel, *, higher_is_better: Mapping[str, bool]
) -> dict[int, EarlierFigureRecord]:
    """Compare the measure of each relative gate with the earlier results that it names.

    The worst attack of these results is compared with the worst of the earlier ones: by the end of
    the interval that counts, so that no other attack fails the gate.

    Args:
        gates: of a spec; the others are passed over.
        compressed: the chosen model.
        higher_is_better: by measure.

    Returns:
        By the place of a gate the figure that it compares with.

    Raises:
        RunDirectoryError: if earlier results cannot be read.
    """
    return {
        place: _compare(
            gate,
            compressed,
            read_earlier_results(gate.no_worse_than),
            sign=-1 if higher_is_better[gate.measure] else 1,
        )
        for place, gate in enumerate(gates)
        if gate.no_worse_than is not None
    }


def _compare(
    gate: Gate, compressed: AuditedModel, earlier: EarlierResults, *, sign: int
) -> EarlierFigureRecord:
    """Return the comparison of the attack that is furthest above the earlier worst one."""
    worst = max(readings(gate.measure, earlier.results), key=lambda one: sign * one.estimate.value)
    compared = [
        (_worse_by(reading, worst, sign=sign), reading)
        for reading in readings(gate.measure, compressed)
    ]
    by_estimate = gate.against == "estimate"
    difference, reading = max(
        compared, key=lambda pair: pair[0].value if by_estimate else pair[0].high
    )
    return EarlierFigureRecord(
        name=earlier.results.name,
        sha256=earlier.sha256,
        value=worst.estimate.value,
        interval=worst.estimate.interval,
        attacks=None if reading.title is None else (reading.title, worst.title or ""),
        worse_by=difference.value,
        worse_by_interval=difference.interval,
        paired=False,
    )


def _worse_by(reading: Reading, earlier: Reading, *, sign: int) -> Estimate:
    now, then = (_estimate(one.estimate) for one in (reading, earlier))
    return mean_difference_of_independent(*((now, then) if sign > 0 else (then, now)))


def _estimate(record: EstimateRecord) -> Estimate:
    return Estimate(record.value, *record.interval)
