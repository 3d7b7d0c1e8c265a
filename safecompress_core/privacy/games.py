"""The games: what is true, what a guess without the model achieves, and how an attack is judged.

Attackers only return scores; every measure is computed here, the same way for all of them. What
is chosen (a threshold, a baseline's rule) is chosen on attack-train, never on what is reported.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from safecompress_core.api import Game
from safecompress_core.dataset import Dataset
from safecompress_core.errors import PoolError
from safecompress_core.privacy.exposure import gain
from safecompress_core.privacy.imputation import best_imputation
from safecompress_core.privacy.intervals import (
    CONFIDENCE,
    auc_interval,
    clopper_pearson,
    macro_auc_interval,
)
from safecompress_core.privacy.judgement import Judgement, LowFprRate, Unresolvable, rescaled
from safecompress_core.privacy.pools import Pool
from safecompress_core.privacy.resampling import Resampling, paired_lift, percentile_interval
from safecompress_core.privacy.roc import calibrate_threshold, tpr_at_fpr
from safecompress_core.privacy.scrutiny import Lens, scrutinised

__all__ = ["FPR_LEVELS", "Answers", "ground_truth", "judge"]

# N samples · V attribute values

FPR_LEVELS = (0.1, 0.01, 0.001)

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answers:
    """An attacker's scores for the N samples of a pool, and what is true of these.

    Attributes:
        scores: membership (N,), attribute (N, V); higher means more likely.
        truth: membership (N,) bool; attribute (N,) int64 in [0, V).
        labels: task labels, shape (N,), int64.
        is_member: shape (N,), bool.
    """

    scores: Tensor
    truth: Tensor
    labels: Tensor
    is_member: Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Terms:
    """What every judgement on a pool is made by; a game takes of it what it needs.

    Attributes:
        resampling: draws of the pool's samples.
        threshold: the attacker's own membership threshold, or None.
        confidence: of every interval.
        lens: for a closer look, or None.
    """

    resampling: Resampling
    threshold: float | None
    confidence: float
    lens: Lens | None


def ground_truth(
    game: Game, dataset: Dataset, pool: Pool, *, attribute: str | None = None
) -> tuple[Tensor, int]:
    """What the adversary tries to find out of a pool's samples, and how many values it can take.

    Returns:
        membership: (N,) bool and 2; attribute: (N,) int64 in [0, V) and V.

    Raises:
        PoolError: if the game is about an attribute that the data does not have.
    """
    if game is Game.MEMBERSHIP:
        return pool.is_member, 2
    if attribute is None or attribute not in dataset.attributes:
        raise PoolError(
            f"the data has no attribute '{attribute}'; it has {sorted(dataset.attributes)}"
        )
    private = dataset.attributes[attribute]
    return private.values[pool.indices], len(private.names)


def judge(
    game: Game,
    known: Answers,
    asked: Answers,
    *,
    resampling: Resampling,
    threshold: float | None = None,
    confidence: float = CONFIDENCE,
    lens: Lens | None = None,
) -> Judgement:
    """Measure an attack on a pool.

    Args:
        game: what was attacked.
        known: the attacker's answers on attack-train, on which thresholds and rules are chosen.
        asked: its answers on the pool that is reported.
        resampling: draws of that pool's samples, the same for all that is compared on it.
        threshold: the attacker's own, where it has one.
        confidence: of every interval.
        lens: of that pool, to have an attack on membership looked at closely.

    Raises:
        PoolError: if the pool has fewer than 2 members or 2 non-members.
        ValueError: if scores are of the wrong shape or not numbers, which is the attacker's fault.
    """
    terms = Terms(resampling=resampling, threshold=threshold, confidence=confidence, lens=lens)
    return JUDGES[game](known, asked, terms)


def judge_membership(known: Answers, asked: Answers, terms: Terms) -> Judgement:
    """Balanced accuracy against a coin; advantage is 2·balanced accuracy − 1 = TPR − FPR.

    The advantage's interval is Newcombe's for a difference of rates, clipped to [0, 1].

    Source: Yeom et al. 2018, "Privacy Risk in Machine Learning", definition 4.
    """
    scores = _scores(asked, dimensions=1)
    is_member = _bools(asked.truth)
    threshold = terms.threshold
    if threshold is None:
        threshold = calibrate_threshold(_scores(known, dimensions=1), _bools(known.truth))
    auc = auc_interval(scores, is_member, confidence=terms.confidence)
    says_member = scores > threshold
    gained = gain(says_member, is_member, confidence=terms.confidence)
    closer = None
    if terms.lens is not None:
        labels = _ints(asked.labels)
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
        tpr=clopper_pearson(point.true_positives, point.members, confidence=confidence),
        fpr=clopper_pearson(point.false_positives, point.non_members, confidence=confidence),
    )


def judge_attribute(known: Answers, asked: Answers, terms: Terms) -> Judgement:
    """Accuracy against the best imputation from the task label; advantage is lift / (1 − baseline).

    The intervals of lift and advantage come from the same paired bootstrap, since the attack and
    the imputation find the same samples hard. There is no threshold: the likeliest value counts.

    Source: Jayaraman & Evans 2022, "Are Attribute Inference Attacks Just Imputation?".
    """
    scores = _scores(asked, dimensions=2)
    truth = _ints(asked.truth)
    imputation = best_imputation(_ints(known.labels), _ints(known.truth))
    guesses = scores.argmax(axis=1)
    correct = guesses == truth
    baseline_correct = imputation.guess(_ints(asked.labels)) == truth
    lift = paired_lift(correct, baseline_correct, terms.resampling, confidence=terms.confidence)
    advantage = float(rescaled(np.mean(correct), np.mean(baseline_correct)))
    draws = rescaled(terms.resampling.means(correct), terms.resampling.means(baseline_correct))
    return Judgement(
        game=Game.ATTRIBUTE,
        accuracy=clopper_pearson(int(correct.sum()), len(correct), confidence=terms.confidence),
        auc=macro_auc_interval(scores, truth, confidence=terms.confidence),
        advantage=percentile_interval(advantage, draws, confidence=terms.confidence),
        baseline=float(baseline_correct.mean()),
        correct=correct,
        is_member=_bools(asked.is_member),
        lift=lift,
        macro_f1=_macro_f1(guesses, truth),
        baseline_correct=baseline_correct,
        baseline_rule=imputation.rule,
    )


def _macro_f1(guesses: NDArray[np.int64], truth: NDArray[np.int64]) -> float:
    """Mean over the values that occur or are guessed of 2·TP / (2·TP + FP + FN)."""
    hits = np.bincount(truth[guesses == truth])
    size = int(max(guesses.max(), truth.max())) + 1
    seen = np.bincount(truth, minlength=size) + np.bincount(guesses, minlength=size)
    hits = np.pad(hits, (0, size - len(hits)))
    return float((2 * hits[seen > 0] / seen[seen > 0]).mean())


JUDGES: Mapping[Game, Callable[[Answers, Answers, Terms], Judgement]] = MappingProxyType(
    {Game.MEMBERSHIP: judge_membership, Game.ATTRIBUTE: judge_attribute}
)


def _scores(answers: Answers, *, dimensions: int) -> NDArray[np.float64]:
    scores: NDArray[np.float64] = answers.scores.detach().to("cpu", torch.float64).numpy()
    if scores.ndim != dimensions or len(scores) != len(answers.truth):
        expected = "(N,)" if dimensions == 1 else "(N, V)"
        raise ValueError(
            f"scores must be {expected} for {len(answers.truth)} samples, but are {scores.shape}"
        )
    if np.isnan(scores).any():
        raise ValueError(f"{int(np.isnan(scores).sum())} scores are not numbers")
    return scores


def _bools(values: Tensor) -> Bools:
    array: Any = values.cpu().numpy()
    return np.asarray(array, dtype=np.bool_)


def _ints(values: Tensor) -> NDArray[np.int64]:
    array: Any = values.cpu().numpy()
    return np.asarray(array, dtype=np.int64)
