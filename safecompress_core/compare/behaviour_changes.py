"""Changes of behaviours by a variant of a comparison, over its seeds."""

import math
from collections.abc import Iterator, Sequence

from safecompress_core.compare.seed_statistics import summary
from safecompress_core.results.schema import (
    UNDECIDED,
    BehaviourRecord,
    ChangeVerdict,
    Results,
    VariantBehaviourRecord,
)

__all__ = ["behaviour_changes"]


def behaviour_changes(runs: Sequence[Results]) -> tuple[VariantBehaviourRecord, ...]:
    """Return a row for each behaviour that all runs of a variant measured.

    Over several seeds a change is beyond training noise where its interval excludes 0, since every
    seed trains both models anew. It is within noise where it is so for each seed, or where the
    change is no larger than that of re-trained models. A figure that compares with the uncompressed
    model always differs from 0, and is compared with those of re-trained models instead.

    Args:
        runs: of one variant, one a seed.
    """
    return tuple(_rows(runs))


def _rows(runs: Sequence[Results]) -> Iterator[VariantBehaviourRecord]:
    by_name = [{row.name: row for row in run.behaviours or ()} for run in runs]
    for name in by_name[0]:
        if all(name in rows for rows in by_name):
            yield _row([rows[name] for rows in by_name])


def _row(records: Sequence[BehaviourRecord]) -> VariantBehaviourRecord:
    noises = [other.value for record in records for other in record.retrained]
    noise = math.sqrt(math.fsum(value**2 for value in noises) / len(noises)) if noises else None
    change = summary([record.change.value for record in records])
    return VariantBehaviourRecord(
        name=records[0].name,
        higher=records[0].higher,
        relative=records[0].relative,
        before=summary([record.before.value for record in records]),
        after=summary([record.after.value for record in records]),
        change=change,
        interval=change.interval or records[0].change.interval,
        noise=noise,
        verdict=_verdict(records, noise),
    )


def _verdict(records: Sequence[BehaviourRecord], noise: float | None) -> ChangeVerdict:
    # One seed shows no spread, so the run's own verdict is all there is.
    if len(records) == 1:
        return records[0].verdict
    if all(record.verdict == "within noise" for record in records):
        return "within noise"
    changes = [record.change.value for record in records]
    if records[0].relative:
        if any(not record.retrained for record in records):
            return UNDECIDED
        means = [
            math.fsum(other.value for other in record.retrained) / len(record.retrained)
            for record in records
        ]
        changes = [change - mean for change, mean in zip(changes, means, strict=True)]
        noise = 0.0
    mean, interval = summary(changes).mean, summary(changes).interval
    # Beyond that of re-trained models, in the direction in which these differ from 0 as well.
    size = mean * math.copysign(1, records[0].change.value) if records[0].relative else abs(mean)
    if noise is not None and size <= noise:
        return "within noise"
    assert interval is not None  # there are several seeds
    low, high = interval
    return UNDECIDED if low <= 0 <= high else "changed beyond training noise"
