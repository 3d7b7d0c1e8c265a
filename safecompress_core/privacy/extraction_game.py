"""Extraction: how far does a clone answer as the model does?"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from safecompress_core.api import Game
from safecompress_core.privacy.evasion_game import spread
from safecompress_core.privacy.intervals import CONFIDENCE, clopper_pearson
from safecompress_core.privacy.judgement import Judgement
from safecompress_core.privacy.means import relative_reduction

__all__ = ["judge_extraction"]

# N samples of a pool, of which N₀ are no members

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


def judge_extraction(
    answers: Ints,
    cloned: Ints,
    independent: Ints,
    *,
    most_frequent: int,
    is_member: Bools,
    facts: Mapping[str, Any],
    confidence: float = CONFIDENCE,
) -> Judgement:
    """Fidelity, the share of non-members to which clone and model give the same answer.

    The baseline is the fidelity of a clone that was trained in the same way on the same samples,
    but on their true labels: whoever has samples of the task can train a model, and two models of
    one task agree anyway. advantage = (fidelity − baseline) / (1 − baseline).

    Args:
        answers: the model's, shape (N₀,), int64.
        cloned: the clone's.
        independent: those of the clone of the true labels.
        most_frequent: the answer that the model gave most often to the adversary's samples.
        is_member: shape (N,), of the whole pool.
        facts: the budget and the like.
        confidence: of every interval.

    Source: Jagielski et al. 2020, "High Accuracy and High Fidelity Extraction of Neural Networks",
    section 3 (fidelity).
    """

    def agreement(others: Ints | int) -> tuple[Bools, Any]:
        same = answers == others
        rate = clopper_pearson(int(same.sum()), len(same), confidence=confidence)
        return spread(same, is_member), rate

    agrees, fidelity = agreement(cloned)
    agrees_anyway, baseline = agreement(independent)
    return Judgement(
        game=Game.EXTRACTION,
        accuracy=fidelity,
        auc=None,
        advantage=relative_reduction(
            answers != cloned, answers != independent, confidence=confidence
        ),
        baseline=baseline.value,
        correct=agrees,
        is_member=is_member,
        baseline_correct=agrees_anyway,
        counted=~is_member,
        named="fidelity",
        measures={
            "independent_fidelity": baseline,
            "most_frequent_fidelity": agreement(most_frequent)[1],
        },
        facts=facts,
    )
