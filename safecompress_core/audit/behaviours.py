"""Behaviours of a model before and after compression, next to what training again changes."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from safecompress_core.api import MetricDef, Need
from safecompress_core.audit.measurement import Measurement, ModelAudit, record_estimate
from safecompress_core.results.schema import (
    UNDECIDED,
    BehaviourRecord,
    ChangeVerdict,
    EstimateRecord,
)
from safecompress_core.stats.intervals import Estimate, mean_difference_of_independent
from safecompress_core.stats.means import prediction_interval

__all__ = ["compare_behaviours", "judge_change"]

ATTACK_MEASURES = ("advantage", "robust_accuracy")
"""Measures of an attack that have a row: what it gains, and how many answers survive evasion."""


def judge_change(
    before: float,
    change: Estimate,
    retrained: Sequence[float],
    *,
    is_relative: bool = False,
) -> ChangeVerdict:
    """Judge a change of a figure by the changes that training again brings about.

    Within noise: the interval of the change covers 0, or a model that was trained again differs as
    much. Beyond training noise: neither, and the figure is outside of the 95 % interval of one more
    uncompressed model. Else it is undecided: there are too few re-trained models, or none.

    Args:
        before: the figure of the uncompressed model.
        change: the figure of the compressed model less ``before``.
        retrained: the figures of re-trained uncompressed models, less ``before``.
        is_relative: whether the figure compares a model with the uncompressed one, whose own figure
            then says nothing of the noise.
    """
    if change.low <= 0 <= change.high:
        return "within noise"
    if not retrained:
        return UNDECIDED
    if abs(change.value) <= max(map(abs, retrained)):
        return "within noise"
    dense = [before + difference for difference in retrained]
    if not is_relative:
        dense.append(before)
    # The spread of one value is unknown.
    if len(dense) < 2:
        return UNDECIDED
    low, high = prediction_interval(np.array(dense))
    if low <= before + change.value <= high:
        return UNDECIDED
    return "changed beyond training noise"


def compare_behaviours(
    measurement: Measurement,
    definitions: Mapping[str, MetricDef],
    *,
    before: ModelAudit,
    after: ModelAudit,
    retrained: Sequence[ModelAudit],
) -> tuple[BehaviourRecord, ...]:
    """Compare a compressed model with the uncompressed one: a row a metric, and rows of attacks.

    Args:
        measurement: the metrics.
        definitions: of each metric, by its name in results.
        before: the uncompressed model.
        after: the compressed model.
        retrained: uncompressed models of other seeds.
    """
    return (
        *_metrics(measurement, definitions, before, after, retrained),
        *_attacks(before, after, retrained),
    )


def _metrics(
    measurement: Measurement,
    definitions: Mapping[str, MetricDef],
    before: ModelAudit,
    after: ModelAudit,
    retrained: Sequence[ModelAudit],
) -> Iterator[BehaviourRecord]:
    changes, *noises = (
        measurement.differences(before.measured, other.measured) for other in (after, *retrained)
    )
    for name, definition in definitions.items():
        yield _row(
            name,
            kind="metric",
            higher="better" if definition.higher_is_better else "worse",
            before=before.measured.estimates[name],
            after=after.measured.estimates[name],
            change=changes[name],
            retrained=[noise[name] for noise in noises],
            is_relative=Need.UNCOMPRESSED in definition.needs,
        )


def _attacks(
    before: ModelAudit, after: ModelAudit, retrained: Sequence[ModelAudit]
) -> Iterator[BehaviourRecord]:
    for name in before.record.audit:
        for measure in ATTACK_MEASURES:
            dense, compressed, *others = (
                _reading(one.record.audit[name].estimate(measure))
                for one in (before, after, *retrained)
            )
            if dense is None or compressed is None:
                continue
            yield _row(
                f"{name}.{measure}",
                kind="attack",
                higher="worse" if measure == ATTACK_MEASURES[0] else "better",
                before=dense,
                after=compressed,
                # Attacks are played anew on each model, so no resamples are shared.
                change=mean_difference_of_independent(compressed, dense),
                retrained=[
                    mean_difference_of_independent(other, dense) for other in others if other
                ],
                is_relative=False,
            )


def _row(
    name: str,
    *,
    kind: str,
    higher: str,
    before: Estimate,
    after: Estimate,
    change: Estimate,
    retrained: Sequence[Estimate],
    is_relative: bool,
) -> BehaviourRecord:
    noise = [other.value for other in retrained]
    return BehaviourRecord.model_validate(
        {
            "name": name,
            "kind": kind,
            "higher": higher,
            "before": record_estimate(before),
            "after": record_estimate(after),
            "change": record_estimate(change),
            "retrained": tuple(map(record_estimate, retrained)),
            "relative": is_relative,
            "verdict": judge_change(before.value, change, noise, is_relative=is_relative),
        }
    )


def _reading(estimate: EstimateRecord | None) -> Estimate | None:
    return None if estimate is None else Estimate(estimate.value, *estimate.interval)
