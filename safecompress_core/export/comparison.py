"""Exported file next to the model that it was made of: answers, performance and attacks.

Both are asked about the same samples and attacked by attackers that start from the same generators,
so their differences are far less noisy than each figure.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from safecompress_core.api import ExporterParams
from safecompress_core.attacks.observed_pool import ObservedPool
from safecompress_core.games.attack_result import AttackResult, GameResult
from safecompress_core.metric import SampleMetric
from safecompress_core.results.schema import (
    AgreementRecord,
    EstimateRecord,
    ExportedAttackRecord,
    PairedRecord,
)
from safecompress_core.stats.intervals import Estimate
from safecompress_core.stats.resampling import Resampling, percentile_interval

__all__ = ["Compared", "compare_answers", "compare_attacks", "compare_performance"]

# N samples · C classes

DRAWS = 2000
"""Bootstrap draws of each interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A pair of figures, or of results: of the compressed model, and of the exported file."""

    compressed: Estimate
    exported: Estimate

    def record(self, draws: tuple[np.ndarray, np.ndarray] | None) -> PairedRecord:
        """Return both with their difference.

        Args:
            draws: both in each bootstrap draw, the same draws for both; None for no interval.
        """
        difference = self.exported.value - self.compressed.value
        interval = None
        if draws is not None:
            interval = percentile_interval(difference, draws[1] - draws[0]).interval
        return PairedRecord(
            compressed=_estimate(self.compressed),
            exported=_estimate(self.exported),
            difference=difference,
            interval=interval,
        )


def compare_answers(
    compressed: Tensor, exported: Tensor, params: ExporterParams
) -> AgreementRecord:
    """Compare the logits of one pool, both of shape (N, C).

    Args:
        compressed: of the model.
        exported: of the file.
        params: state how far they may differ.
    """
    differences = (exported.double() - compressed.double()).abs()
    largest = float(differences.max())
    margins = _margins(compressed)
    is_other = compressed.argmax(dim=1) != exported.argmax(dim=1)
    is_tie = is_other & (margins < (params.tolerance or 0))
    agreement = 1 - float((is_other & ~is_tie).double().mean())
    is_near = params.tolerance is None or largest <= params.tolerance
    return AgreementRecord(
        samples=len(compressed),
        agreement=agreement,
        ties=int(is_tie.sum()),
        least_agreement=params.agreement,
        largest_difference=largest,
        mean_difference=float(differences.mean()),
        tolerance=params.tolerance,
        passed=is_near and agreement >= params.agreement,
    )


def compare_performance(
    compressed: ObservedPool,
    exported: ObservedPool,
    metric: SampleMetric,
    *,
    resampling: Resampling,
) -> PairedRecord:
    """Compare the metric of performance on a pool's non-members."""
    pool = compressed.pool
    unseen = resampling.take(np.arange(len(pool.members), len(pool)))
    before, after = (metric.per_sample(seen.unseen).numpy() for seen in (compressed, exported))
    estimates = Compared(compressed=unseen.estimate(before), exported=unseen.estimate(after))
    return estimates.record((unseen.means(before), unseen.means(after)))


def compare_attacks(
    compressed: Mapping[str, GameResult],
    exported: Mapping[str, GameResult],
    *,
    resampling: Resampling,
) -> dict[str, ExportedAttackRecord]:
    """Compare every attack, by its name, on the same bootstrap draws of the pool."""
    return {
        name: _compare_attack(before, exported[name], resampling)
        for name, before in compressed.items()
    }


def _compare_attack(
    before: GameResult, after: GameResult, resampling: Resampling
) -> ExportedAttackRecord:
    advantage = Compared(compressed=before.advantage, exported=after.advantage)
    game = str(before.to_json()["game"])
    # Results on a game's own units have no samples to draw again.
    if not (isinstance(before, AttackResult) and isinstance(after, AttackResult)):
        return ExportedAttackRecord(game=game, advantage=advantage.record(None), auc=None)
    auc = None
    if before.placements is not None and before.auc is not None and after.auc is not None:
        areas = Compared(compressed=before.auc, exported=after.auc)
        auc = areas.record((before.aucs(resampling), after.aucs(resampling)))
    draws = (before.advantages(resampling), after.advantages(resampling))
    return ExportedAttackRecord(game=game, advantage=advantage.record(draws), auc=auc)


def _margins(logits: Tensor) -> Tensor:
    """Return the difference of the two largest logits, shape (N,)."""
    largest = torch.topk(logits, 2, dim=1).values
    return largest[:, 0] - largest[:, 1]


def _estimate(estimate: Estimate) -> EstimateRecord:
    return EstimateRecord(value=estimate.value, interval=estimate.interval)
