"""Membership: was this sample in the training set?"""

import numpy as np
from numpy.typing import NDArray

from safecompress_core.api import Game
from safecompress_core.errors import PoolError
from safecompress_core.games.attack_result import Judgement, LowFprRate, Unresolvable
from safecompress_core.games.membership_details import gain, scrutinised
from safecompress_core.games.scores import Answers, Terms, bools, ints, scores_of
from safecompress_core.stats.intervals import auc_interval, clopper_pearson
from safecompress_core.stats.low_fpr import tpr_interval
from safecompress_core.stats.roc import calibrate_threshold, tpr_at_fpr

__all__ = ["FPR_LEVELS", "judge_membership"]

# N samples

FPR_LEVELS = (0.1, 0.01, 0.001)

Bools = NDArray[np.bool_]


def judge_membership(known: Answers, asked: Answers, terms: Terms) -> Judgement:
    """Balanced accuracy against a coin; advantage is 2·balanced accuracy − 1 = TPR − FPR.

    The advantage's interval is that of a difference of rates, clipped to [0, 1].

    Source: Yeom et al. 2018, "Privacy Risk in Machine Learning", definition 4.
    """
    scores = scores_of(asked, dimensions=1)
    is_member = bools(asked.truth)
    threshold = terms.threshold
    if threshold is None:
        threshold = calibrate_threshold(scores_of(known, dimensions=1), bools(known.truth))
    auc = auc_interval(scores, is_member, confidence=terms.confidence)
    says_member = scores > threshold
    gained = gain(says_member, is_member, confidence=terms.confidence)
    closer = None
    if terms.lens is not None:
        labels = ints(asked.labels)
        closer = scrutinised(
            terms.lens, scores, says_member, is_member, labels, confidence=terms.confidence
        )
    return Judgement(
        game=Game.MEMBERSHIP,
        accuracy=gained.scaled(0.5, shift=0.5),
        auc=auc,
        advantage=gained.clipped(0.0, 1.0),
        baseline=0.5,
        correct=says_member == is_member,
        is_member=is_member,
        threshold=threshold,
        operating_points=tuple(
            _low_fpr_rate(scores, is_member, level, terms.confidence) for level in FPR_LEVELS
        ),
        scrutiny=closer,
    )


def _low_fpr_rate(
    scores: NDArray[np.float64], is_member: Bools, max_fpr: float, confidence: float
) -> LowFprRate | Unresolvable:
    try:
        point = tpr_at_fpr(scores, is_member, max_fpr=max_fpr)
    except PoolError:
        return Unresolvable(max_fpr, int((~is_member).sum()))
    return LowFprRate(
        point,
        tpr=tpr_interval(scores, is_member, max_fpr=max_fpr, confidence=confidence),
        fpr=clopper_pearson(point.false_positives, point.non_members, confidence=confidence),
    )
