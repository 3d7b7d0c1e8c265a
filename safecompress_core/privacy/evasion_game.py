"""Evasion: does a small change of an input change the model's answer?"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from safecompress_core.api import Game
from safecompress_core.privacy.intervals import CONFIDENCE, Estimate, clopper_pearson
from safecompress_core.privacy.judgement import Judgement
from safecompress_core.privacy.means import relative_reduction

__all__ = ["judge_evasion"]

# N samples of a pool, of which N₀ are no members

Bools = NDArray[np.bool_]


def judge_evasion(
    right: Bools,
    right_moved: Bools,
    right_noisy: Bools,
    *,
    is_member: Bools,
    facts: Mapping[str, Any],
    confidence: float = CONFIDENCE,
) -> Judgement:
    """Share of wrong answers under attack against that under random noise of the same size.

    advantage = (error − noise error) / (1 − noise error): of the answers that noise leaves right,
    the share that the attack makes wrong. It is read on non-members, the test set, where a sample
    that is answered wrongly anyway counts alike on both sides.

    Args:
        right: shape (N₀,), whether the answer to a plain non-member is right.
        right_moved: the same of the moved one.
        right_noisy: the same of one that noise has moved.
        is_member: shape (N,), of the whole pool.
        facts: norm, epsilon and the like.
        confidence: of every interval.
    """
    wrong, wrong_noisy = (spread(~values, is_member) for values in (right_moved, right_noisy))

    def rate(values: Bools) -> Estimate:
        return clopper_pearson(int(values.sum()), len(values), confidence=confidence)

    measures = {
        "robust_accuracy": rate(right_moved),
        "clean_accuracy": rate(right),
        "noise_accuracy": rate(right_noisy),
    }
    if right.any():
        measures["success"] = rate(~right_moved[right])
    return Judgement(
        game=Game.EVASION,
        accuracy=rate(~right_moved),
        auc=None,
        advantage=relative_reduction(right_moved, right_noisy, confidence=confidence),
        baseline=float((~right_noisy).mean()),
        correct=wrong,
        is_member=is_member,
        baseline_correct=wrong_noisy,
        counted=~is_member,
        named="error_rate",
        measures=measures,
        facts=facts,
    )


def spread(values: Bools, is_member: Bools) -> Bools:
    """What was found of the non-members, in the places that they have in the pool, shape (N,)."""
    found = np.zeros(len(is_member), dtype=np.bool_)
    found[~is_member] = values
    return found
