"""Risk record by record: the most exposed members, overlap of attacks, and risk by group."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from safecompress_core.data.dataset import Dataset
from safecompress_core.results.schema import (
    ExposedRecord,
    GroupRiskRecord,
    OverlapRecord,
    RecordRisksRecord,
)
from safecompress_core.results.score_file import SCORES, ScoredRecords
from safecompress_core.stats.means import bounded_mean
from safecompress_core.stats.roc import RESOLVING_ERRORS, placements, tpr_at_fpr

__all__ = ["describe_risks"]

# N samples

Bools = NDArray[np.bool_]

MOST_EXPOSED = 20
"""Records that results name; all others are in the file of scores."""
FPR_LEVELS = (0.01, 0.1)
"""Limits on false positives at which attacks are compared, the first that the pool resolves."""


def describe_risks(
    scored: Sequence[ScoredRecords], dataset: Dataset, *, min_risk: float
) -> RecordRisksRecord | None:
    """Return the records' section of results; None without an attack on membership.

    Args:
        scored: of all attacks on one model, on the same pool.
        dataset: that the pool is of.
        min_risk: from which a member counts as exposed.
    """
    attacks = {one.attack: one for one in scored if not np.isnan(one.risk).any()}
    if not attacks:
        return None
    ranking = max(attacks.values(), key=_auc)
    max_fpr = _lowest_fpr(ranking)
    return RecordRisksRecord(
        file=SCORES,
        attack=ranking.attack,
        min_risk=min_risk,
        exposed=tuple(_most_exposed(ranking, attacks, min_risk)),
        max_fpr=max_fpr,
        overlap=() if max_fpr is None else tuple(_overlaps(attacks, max_fpr)),
        groups=tuple(_groups(ranking, dataset, min_risk)),
    )


def _rank_scores(one: ScoredRecords) -> NDArray[np.int64]:
    """Scores by rank, higher for the more exposed: infinite and inverted ones included."""
    return -one.rank


def _auc(one: ScoredRecords) -> float:
    return float(placements(_rank_scores(one), one.member)[0].mean())


def _most_exposed(
    ranking: ScoredRecords, attacks: Mapping[str, ScoredRecords], min_risk: float
) -> Iterator[ExposedRecord]:
    """Yield the members of highest risk; of equal risks the higher score is first."""
    order = np.lexsort((ranking.rank, -ranking.risk))
    for row in order[ranking.member[order]][:MOST_EXPOSED].tolist():
        ends = float(ranking.risk_low[row]), float(ranking.risk_high[row])
        score = float(ranking.score[row])
        yield ExposedRecord(
            position=int(ranking.position[row]),
            label=str(ranking.label[row]),
            score=score if isfinite(score) else None,
            rank=int(ranking.rank[row]),
            risk=float(ranking.risk[row]),
            risk_interval=None if np.isnan(ends).any() else ends,
            flagged_by=tuple(
                name for name, one in attacks.items() if float(one.risk[row]) >= min_risk
            ),
        )


def _lowest_fpr(one: ScoredRecords) -> float | None:
    non_members = int((~one.member).sum())
    return next((fpr for fpr in FPR_LEVELS if non_members * fpr >= RESOLVING_ERRORS), None)


def _overlaps(attacks: Mapping[str, ScoredRecords], max_fpr: float) -> Iterator[OverlapRecord]:
    """Yield, for each pair of attacks, the members that both of them flag.

    Source: Wang et al. 2025, "Membership Inference Attacks as Privacy Tools: Reliability, Disparity
    and Ensemble", CCS, who compare attacks by the Jaccard index of what they find.
    """
    flagged = {name: _find_members(one, max_fpr) for name, one in attacks.items()}
    for first, second in combinations(flagged, 2):
        both = int((flagged[first] & flagged[second]).sum())
        either = int((flagged[first] | flagged[second]).sum())
        yield OverlapRecord(
            attacks=(first, second),
            flagged=(int(flagged[first].sum()), int(flagged[second].sum())),
            both=both,
            jaccard=both / either if either else None,
        )


def _find_members(one: ScoredRecords, max_fpr: float) -> Bools:
    """Return the members above the threshold of so many false positives, shape (N,)."""
    scores = _rank_scores(one)
    point = tpr_at_fpr(scores, one.member, max_fpr=max_fpr)
    found: Bools = (scores >= point.threshold) & one.member
    return found


def _groups(ranking: ScoredRecords, dataset: Dataset, min_risk: float) -> Iterator[GroupRiskRecord]:
    """Yield the risk of each group that has members, by label and by attribute."""
    positions = dataset.original_positions.numpy()
    order = positions.argsort()
    rows = order[positions.searchsorted(ranking.position, sorter=order)]
    groupings = [("label", "label", dataset.labels.numpy()[rows], dataset.classes)]
    groupings += [
        (name, "attribute", attribute.values.numpy()[rows], attribute.names)
        for name, attribute in dataset.attributes.items()
    ]
    for by, kind, values, names in groupings:
        for value, name in enumerate(names):
            risks = ranking.risk[ranking.member & (values == value)]
            if not len(risks):
                continue
            mean = bounded_mean(risks)
            yield GroupRiskRecord(
                by=by,
                kind="label" if kind == "label" else "attribute",
                value=name,
                members=len(risks),
                risk=mean.value,
                risk_interval=mean.interval,
                exposed=int((risks >= min_risk).sum()),
            )
