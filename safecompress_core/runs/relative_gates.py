"""Relative gates: figures of these results compared with those of earlier ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from safecompress_core.results.earlier_results import EarlierResults, read_earlier_results
from safecompress_core.results.gates import Reading, readings
from safecompress_core.results.schema import AuditedModel, EarlierFigureRecord, EstimateRecord
from safecompress_core.results.score_file import AUDITED, CHOSEN, ScoredRecords
from safecompress_core.specfile.models.run_spec import Gate
from safecompress_core.stats.intervals import (
    Estimate,
    auc_difference_interval,
    mean_difference_of_independent,
)

__all__ = ["ComparedResults", "compare_with_earlier"]

FACTORS = {"auc": 1.0, "advantage": 2.0, "accuracy": 1.0}
"""Measures of membership that are functions of an AUC, and their slopes: advantage and balanced
accuracy of the AUC of the decisions."""
SAME = 1e-9
"""Largest difference of two figures that are the same but for rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedResults:
    """Results whose records may be compared with others'.

    Attributes:
        part: the model with its audit.
        scores: of the records of its pool *audit*, by attack.
        pool: fingerprint of that pool.
    """

    part: AuditedModel
    scores: Sequence[ScoredRecords] = ()
    pool: str = ""

    def statistic(self, reading: Reading, measure: str) -> NDArray[np.float64] | None:
        """Return what a measure is the AUC of, shape (N,); None where scores do not give it.

        Scores that do not yield the figure of the results are of another run.
        """
        attack = self.part.audit.get(reading.attack or "")
        scored = [one for one in self.scores if one.attack == reading.attack]
        # The threshold of an inverted attack is not kept.
        if attack is None or len(scored) != 1 or reading.is_reversed or measure not in FACTORS:
            return None
        statistic = scored[0].score
        if measure != "auc":
            threshold = getattr(attack, "threshold", None)
            if threshold is None:
                return None
            statistic = (statistic > threshold).astype(np.float64)
        area = auc_difference_interval(statistic, np.zeros_like(statistic), scored[0].member).value
        # One half is the AUC of scores that are all alike.
        figure = {"auc": area + 0.5, "advantage": max(2 * area, 0.0), "accuracy": area + 0.5}
        is_same = abs(figure[measure] - reading.estimate.value) < SAME
        return statistic if is_same else None


def compare_with_earlier(
    gates: Sequence[Gate], results: ComparedResults, *, higher_is_better: Mapping[str, bool]
) -> dict[int, EarlierFigureRecord]:
    """Compare the measure of each relative gate with the earlier results that it names.

    Each attack of these results is compared with the same one and with the worst one of the earlier
    results, and the more certain comparison counts: the worst attack has become worse by no more
    than either. Of all attacks the one counts that would fail the gate first.

    Args:
        gates: of a spec; the others are passed over.
        results: the chosen model.
        higher_is_better: by measure.

    Returns:
        By the place of a gate the figure that it compares with.

    Raises:
        RunDirectoryError: if earlier results cannot be read.
    """
    return {
        place: _compare(
            gate,
            results,
            read_earlier_results(gate.no_worse_than),
            sign=-1 if higher_is_better[gate.measure] else 1,
        )
        for place, gate in enumerate(gates)
        if gate.no_worse_than is not None
    }


@dataclass(frozen=True, slots=True)
class _Comparison:
    """A figure of these results, an earlier one, and how much worse the former is."""

    reading: Reading
    earlier: Reading
    difference: Estimate
    is_paired: bool


def _compare(
    gate: Gate, results: ComparedResults, earlier: EarlierResults, *, sign: int
) -> EarlierFigureRecord:
    """Return the comparison that would fail the gate first."""
    pool = earlier.results.pools.get("audit")
    before = ComparedResults(
        part=earlier.results,
        scores=[one for one in earlier.scores if one.model in (CHOSEN, AUDITED)],
        pool="" if pool is None else pool.fingerprint,
    )
    references = list(readings(gate.measure, before.part))
    worst = max(references, key=lambda one: sign * one.estimate.value)

    def end(found: _Comparison) -> float:
        difference = found.difference
        return difference.value if gate.against == "estimate" else difference.high

    closest = [
        min(
            (
                _compare_readings(gate.measure, (results, reading), (before, other), sign=sign)
                for other in references
                if other is worst or other.title == reading.title
            ),
            key=end,
        )
        for reading in readings(gate.measure, results.part)
    ]
    found = max(closest, key=end)
    return EarlierFigureRecord(
        name=earlier.results.name,
        sha256=earlier.sha256,
        value=found.earlier.estimate.value,
        interval=found.earlier.estimate.interval,
        attacks=None
        if found.reading.title is None
        else (found.reading.title, found.earlier.title or ""),
        worse_by=found.difference.value,
        worse_by_interval=found.difference.interval,
        paired=found.is_paired,
    )


def _compare_readings(
    measure: str,
    now: tuple[ComparedResults, Reading],
    then: tuple[ComparedResults, Reading],
    *,
    sign: int,
) -> _Comparison:
    """Return how much worse one figure is than another: record by record where they match."""
    paired = _paired_difference(measure, now, then, sign=sign)
    difference = paired or _unpaired_difference(now[1], then[1], sign=sign)
    return _Comparison(now[1], then[1], difference, is_paired=paired is not None)


def _unpaired_difference(reading: Reading, earlier: Reading, *, sign: int) -> Estimate:
    now, then = (_estimate(one.estimate) for one in (reading, earlier))
    return mean_difference_of_independent(*((now, then) if sign > 0 else (then, now)))


def _paired_difference(
    measure: str,
    now: tuple[ComparedResults, Reading],
    then: tuple[ComparedResults, Reading],
    *,
    sign: int,
) -> Estimate | None:
    """Return how much worse a measure is, record by record; None where records do not match.

    Both advantages are at least 0 by definition: the difference is that of the figures, and its
    interval that of the rates behind them.
    """
    (results, reading), (earlier, worst) = now, then
    if results.pool != earlier.pool:
        return None
    name = measure.rpartition(".")[2]
    statistics = results.statistic(reading, name), earlier.statistic(worst, name)
    if statistics[0] is None or statistics[1] is None:
        return None
    [scored] = [one for one in results.scores if one.attack == reading.attack]
    areas = auc_difference_interval(statistics[0], statistics[1], scored.member)
    low, high = sorted(sign * FACTORS[name] * end for end in areas.interval)
    value = sign * (reading.estimate.value - worst.estimate.value)
    return Estimate(value, min(low, value), max(high, value))


def _estimate(record: EstimateRecord) -> Estimate:
    return Estimate(record.value, *record.interval)
