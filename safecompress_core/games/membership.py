"""Membership: was this sample in the training set?"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from safecompress_core.api import AttackerParams
from safecompress_core.data.dataset import Dataset
from safecompress_core.data.pools import Pool
from safecompress_core.errors import PoolError
from safecompress_core.games.attack_result import AttackResult, LowFprRate, Unresolvable
from safecompress_core.games.game import ScoredGame
from safecompress_core.games.manifest import MEMBERSHIP
from safecompress_core.games.measures.membership_details import (
    DetailOptions,
    advantage_of_decisions,
    membership_details,
)
from safecompress_core.games.measures.record_scores import RecordScores
from safecompress_core.games.scores import (
    AttackScores,
    MeasureOptions,
    bools,
    ints,
    scores_of,
    tensor_of,
)
from safecompress_core.stats.intervals import CONFIDENCE, auc_interval, clopper_pearson
from safecompress_core.stats.low_fpr import tpr_interval
from safecompress_core.stats.roc import calibrate_threshold, placements, tpr_at_fpr

__all__ = ["FPR_LEVELS", "MembershipGame", "measure_membership"]

# N samples

FPR_LEVELS = (0.1, 0.01, 0.001)

Bools = NDArray[np.bool_]


class MembershipGame(ScoredGame):
    """Members of the training set against samples of the same distribution."""

    has_controls = True

    def truth(self, dataset: Dataset, pool: Pool, params: AttackerParams) -> tuple[Tensor, int]:
        """Return membership, (N,) bool, and 2."""
        return pool.is_member, 2

    def measure_one_way(
        self, known: AttackScores, asked: AttackScores, terms: MeasureOptions
    ) -> AttackResult:
        """Balanced accuracy, AUC, advantage and the rates at low false-positive rates."""
        return measure_membership(known, asked, terms)

    def measure(
        self,
        scores: Any,
        truth: Any,
        *,
        known: tuple[Any, Any] | None = None,
        labels: Any = None,
        threshold: float | None = None,
        detail_options: DetailOptions | None = None,
        confidence: float = CONFIDENCE,
    ) -> AttackResult:
        """Measure membership scores of any origin.

        Args:
            scores: shape (N,), higher means more likely a member.
            truth: shape (N,), True for members.
            known: scores and truth of other samples, on which the threshold is chosen.
            labels: task labels, shape (N,); the details by label need them.
            threshold: above which a sample is called a member, where that is given.
            detail_options: to have the details of the attack computed.
            confidence: of every interval.

        Raises:
            ValueError: if there is neither a threshold nor samples to choose it on, or the scores
                are not numbers.
        """
        # A threshold chosen on the reported pool would inflate the advantage, so none is ever
        # guessed.
        if known is None and threshold is None:
            raise ValueError(
                "measure() has neither threshold nor known scores to choose it on; pass "
                "threshold=…, or known=(scores, truth) of other samples"
            )
        return self.measure_scores(
            None if known is None else _answers(*known),
            _answers(scores, truth, labels),
            threshold=threshold,
            confidence=confidence,
            detail_options=detail_options,
        )


def _answers(scores: Any, truth: Any, labels: Any = None) -> AttackScores:
    is_member = tensor_of(truth, torch.bool)
    return AttackScores(
        scores=tensor_of(scores),
        truth=is_member,
        # Without labels the details by label are about one label, 0.
        labels=torch.zeros(len(is_member), dtype=torch.int64)
        if labels is None
        else tensor_of(labels, torch.int64),
        is_member=is_member,
    )


def measure_membership(
    known: AttackScores, asked: AttackScores, terms: MeasureOptions
) -> AttackResult:
    """Balanced accuracy against a coin; advantage is 2·balanced accuracy − 1 = TPR − FPR.

    The advantage's interval is that of a difference of rates, clipped to [0, 1].

    Source: Yeom et al. 2018, "Privacy Risk in Machine Learning", definition 4.
    """
    scores = scores_of(asked, dimensions=1)
    is_member = bools(asked.truth)
    threshold = terms.threshold
    # Calibrated on attack-train, never on the pool that is reported.
    if threshold is None:
        threshold = calibrate_threshold(scores_of(known, dimensions=1), bools(known.truth))
    auc = auc_interval(scores, is_member, confidence=terms.confidence)
    rank_fractions = np.empty(len(scores))
    rank_fractions[is_member], rank_fractions[~is_member] = placements(scores, is_member)
    # Strictly above: a sample at the threshold counts as a non-member.
    says_member = scores > threshold
    gained = advantage_of_decisions(says_member, is_member, confidence=terms.confidence)
    closer = None
    if terms.detail_options is not None:
        labels = ints(asked.labels)
        closer = membership_details(
            terms.detail_options,
            scores,
            says_member,
            is_member,
            labels,
            confidence=terms.confidence,
        )
    return AttackResult(
        game=MEMBERSHIP.name,
        # Balanced accuracy is (1 + TPR − FPR) / 2, so it shares the interval.
        accuracy=gained.scale(0.5, shift=0.5),
        auc=auc,
        # The definition of advantage has no negative values; an inverted attack is reported
        # separately.
        advantage=gained.clip(0.0, 1.0),
        baseline=0.5,
        correct=says_member == is_member,
        is_member=is_member,
        is_balanced=True,
        threshold=threshold,
        operating_points=tuple(
            _low_fpr_rate(scores, is_member, level, terms.confidence) for level in FPR_LEVELS
        ),
        details=closer,
        placements=rank_fractions,
        record_scores=RecordScores(
            scores=scores, calibration=None if closer is None else closer.calibration
        ),
    )


def _low_fpr_rate(
    scores: NDArray[np.float64], is_member: Bools, max_fpr: float, confidence: float
) -> LowFprRate | Unresolvable:
    try:
        point = tpr_at_fpr(scores, is_member, max_fpr=max_fpr)
    except PoolError:
        # Fewer than 10 / max_fpr non-members: the rate would depend on a handful of false
        # positives.
        return Unresolvable(max_fpr, int((~is_member).sum()))
    return LowFprRate(
        point,
        tpr=tpr_interval(scores, is_member, max_fpr=max_fpr, confidence=confidence),
        fpr=clopper_pearson(point.false_positives, point.non_members, confidence=confidence),
    )
