"""Metrics of several models on one pool, and their paired differences."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from safecompress_core.attacks.observed_pool import ObservedPool
from safecompress_core.games.measures.membership_details import TOP
from safecompress_core.metric import Create, Metric, PairedMetric, SampleValues, Subject
from safecompress_core.networks.classifier import Classifier
from safecompress_core.results.schema import (
    AnyAttackRecord,
    AuditRecord,
    EstimateRecord,
    MembershipRecord,
)
from safecompress_core.results.score_file import ScoredRecords
from safecompress_core.seeding import Seed
from safecompress_core.stats.intervals import Estimate, mean_difference_of_independent

__all__ = ["Measured", "Measurement", "ModelAudit", "find_exposed", "record_estimate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Figures of one model.

    Attributes:
        estimates: by metric.
        values: of each metric that is a statistic of samples.
    """

    estimates: Mapping[str, Estimate]
    values: Mapping[str, SampleValues] = field(default_factory=dict)

    @property
    def details(self) -> dict[str, dict[str, Any]]:
        """By metric, what a report shows next to its figure; only where there is something."""
        return {
            name: dict(values.details) for name, values in self.values.items() if values.details
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The metrics of a spec.

    Attributes:
        metrics: by name.
        seed: of what they draw; each has a child, the same for every model.
        create: builds components in their parameters.
    """

    metrics: Mapping[str, Metric]
    seed: Seed
    create: Create

    def measure(
        self,
        asked: ObservedPool,
        *,
        network: Classifier,
        file_bytes: int,
        exposed: Tensor | None,
    ) -> Measured:
        """Measure a model by every metric.

        Args:
            asked: the pool as the model shows it.
            network: the model.
            file_bytes: size of its file.
            exposed: see `Subject`.
        """
        sample = asked.dataset.inputs[torch.tensor([0])].to(network.device)
        estimates, values = {}, {}
        for name, metric in self.metrics.items():
            subject = Subject(
                asked=asked,
                file_bytes=file_bytes,
                network=network,
                sample=sample,
                seed=self.seed.child(name),
                create=self.create,
                exposed=exposed,
            )
            if isinstance(metric, PairedMetric):
                # Computed once, for the figure and for its differences.
                values[name] = metric.values(subject)
                resampling = values[name].resample(subject.seed)
                estimates[name] = metric.estimate(values[name], resampling)
            else:
                estimates[name] = metric.measure(subject)
        return Measured(estimates=estimates, values=values)

    def differences(self, before: Measured, after: Measured) -> dict[str, Estimate]:
        """Return each figure of ``after`` less that of ``before``.

        Samples are paired where a metric is a statistic of samples; other intervals, such as that
        of a latency, are combined as independent ones.
        """
        differences = {}
        for name, metric in self.metrics.items():
            if isinstance(metric, PairedMetric):
                values = before.values[name], after.values[name]
                resampling = values[0].resample(self.seed.child(name))
                differences[name] = metric.difference(*values, resampling)
            else:
                differences[name] = mean_difference_of_independent(
                    after.estimates[name], before.estimates[name]
                )
        return differences


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ModelAudit:
    """Audit of one model.

    Attributes:
        record: metrics and attacks.
        scores: of the records of the audit pool, by each attack that scores them.
        measured: figures of the metrics, to be compared with those of other models.
    """

    record: AuditRecord
    scores: tuple[ScoredRecords, ...]
    measured: Measured

    @property
    def exposed(self) -> Tensor | None:
        """Which members the attacks on this model expose; see `find_exposed`."""
        return find_exposed(self.record.audit, self.scores)


def find_exposed(
    audit: Mapping[str, AnyAttackRecord], scores: Sequence[ScoredRecords]
) -> Tensor | None:
    """Return which members the strongest attack on membership ranks highest, shape (N₁,), bool.

    They are a tenth of the members, and all that tie with the last of them; None without such an
    attack. The strongest attack is that of the largest AUC.

    Args:
        audit: the attacks on a model, by id.
        scores: of the same attacks.
    """
    ranked = {
        record.auc: scored.rank[scored.member]
        for scored in scores
        if isinstance(record := audit[scored.attack], MembershipRecord)
    }
    if not ranked:
        return None
    ranks = ranked[max(ranked)]
    last = np.sort(ranks)[max(1, round(TOP * len(ranks))) - 1]
    return torch.from_numpy(ranks <= last)


def record_estimate(estimate: Estimate) -> EstimateRecord:
    """Return an estimate as results hold it."""
    return EstimateRecord(value=estimate.value, interval=estimate.interval)
