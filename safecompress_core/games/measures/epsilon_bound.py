"""A lower bound on the ε of differential privacy, from the one training that there was.

Steinke, Nasr & Jagielski bound how often an adversary may guess correctly which samples were
trained on, if a fair coin decided for each. Our pools are split at random, but to a fixed size, so
the coins of single samples are neither fair nor independent. Those of *pairs* are: pair members
with non-members of the same task label at random, and given the pairs, each of the two was as
likely the member,
independently of all other pairs. The adversary says of each pair which one it is.

What the bound says: with the stated confidence, no ε smaller than it holds for this procedure as a
whole (training, compression and choice), where neighbours differ by one sample *replaced* by
another. Under adding or removing one sample, ε is at least half of it.

What it does not say: nothing is promised from above, since a stronger attack may find more; δ is
0; and it is about samples like those of the pool, not about the worst that there could be.
"""

from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv
from scipy.stats import rankdata

from safecompress_core.stats.intervals import CONFIDENCE
from safecompress_core.stats.roc import Array

__all__ = ["GUESSED", "MatchedPairs", "OneRunBound", "epsilon_lower_bound", "one_run_bound"]

# N samples · K pairs

GUESSED = 0.25
"""The share of pairs of which the adversary makes a guess, stated beforehand for all attacks."""


def epsilon_lower_bound(*, guesses: int, correct: int, confidence: float = CONFIDENCE) -> float:
    """The smallest ε ≥ 0 with P[Bin(r, e^ε / (1 + e^ε)) ≥ v] ≥ p, one-sided.

    That is the logit of the Clopper-Pearson bound from below on the rate of right guesses.

    Args:
        guesses: r, of which none may have been chosen by its truth.
        correct: v, how many of them are right.
        confidence: 1 − p.

    Raises:
        ValueError: if there are no guesses, or more right ones than guesses.

    Source: Steinke, Nasr & Jagielski 2023, "Privacy Auditing with One (1) Training Run", NeurIPS,
    theorem 5.2 with δ = 0.
    """
    if guesses < 1 or not 0 <= correct <= guesses:
        raise ValueError(f"{correct} of {guesses} guesses cannot be right")
    # The lower Clopper-Pearson bound of 0 successes is 0, whose logit is −∞; ε is at least 0.
    if correct == 0:
        return 0.0
    # Quantile of Beta(v, r − v + 1), the lower Clopper-Pearson bound of the rate of right guesses.
    rate = float(betaincinv(correct, guesses - correct + 1, 1 - confidence))
    # ε = logit of the rate, since P[right] ≤ e^ε / (1 + e^ε); a rate of 1/2 proves ε ≥ 0 only.
    return log(rate / (1 - rate)) if rate > 0.5 else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class MatchedPairs:
    """Members matched with non-members of the same task label, in an order drawn at random.

    Attributes:
        members: positions in the pool, shape (K,).
        non_members: their partners, shape (K,).
        coins: shape (K,), bool: whether a guess is right where the two scores tie.
    """

    members: NDArray[np.int64]
    non_members: NDArray[np.int64]
    coins: NDArray[np.bool_]

    @classmethod
    def match_randomly(
        cls, is_member: Array, labels: Array, *, generator: np.random.Generator
    ) -> "MatchedPairs":
        """As many pairs as each label allows; anyone who finds no partner is left out.

        Args:
            is_member: shape (N,), True for members.
            labels: task labels, shape (N,).
            generator: draws partners, order and coins.
        """
        sides: tuple[list[Any], list[Any]] = ([], [])
        for label in np.unique(labels):
            # Within a label only: a classifier's scores differ by label, which is no leak of
            # membership.
            by_side = [np.flatnonzero((labels == label) & (is_member == side)) for side in (1, 0)]
            fewest = min(map(len, by_side))
            for side, positions in zip(sides, by_side, strict=True):
                # Permuted before it is cut, so that those left out are random too.
                side.append(generator.permutation(positions)[:fewest])
        # An empty start keeps the dtype when no label has both sides.
        members, others = (np.concatenate([np.empty(0, np.int64), *side]) for side in sides)
        # A random order makes the stable sort below break ties without regard to label.
        order = generator.permutation(len(members))
        # Ties are decided by coins drawn beforehand, so a constant score is right half of the time.
        return cls(members[order], others[order], generator.random(len(order)) < 0.5)

    def __len__(self) -> int:
        return len(self.members)


@dataclass(frozen=True, slots=True)
class OneRunBound:
    """Lower bound on ε that the guesses of one attack prove.

    Attributes:
        epsilon: the lower bound; 0 where they prove nothing.
        confidence: one-sided.
        pairs: K.
        guesses: r, how many of them were guessed.
        correct: v, how many of the guesses are right.
    """

    epsilon: float
    confidence: float
    pairs: int
    guesses: int
    correct: int

    def to_json(self) -> dict[str, Any]:
        """``lower_bound``, ``confidence``, ``pairs``, ``guesses``, ``correct``."""
        return {
            "lower_bound": self.epsilon,
            "confidence": self.confidence,
            "pairs": self.pairs,
            "guesses": self.guesses,
            "correct": self.correct,
        }


def one_run_bound(
    scores: Array, pairs: MatchedPairs, *, share: float = GUESSED, confidence: float = CONFIDENCE
) -> OneRunBound | None:
    """Guess, of the pairs that the scores part most clearly, that the higher one is the member.

    Clarity is a difference of ranks in the pool, so that only the order of scores counts, as for
    AUC.
    A gap is the same whichever of the two is the member, so choosing by it chooses nothing by the
    truth; and the share is fixed beforehand.

    Args:
        scores: of all N samples of the pool, higher means more likely a member.
        pairs: of the same pool.
        share: of pairs that are guessed, in (0, 1].
        confidence: of the bound.

    Returns:
        The bound; None if there is no pair.
    """
    # No label has members and non-members, so there is nothing to guess.
    if not len(pairs):
        return None
    ranks = rankdata(scores)  # ties share their mean rank
    gap = ranks[pairs.members] - ranks[pairs.non_members]
    # At least one guess: zero guesses prove nothing and the bound would be undefined.
    guesses = max(1, round(share * len(pairs)))
    clearest = np.argsort(-np.abs(gap), kind="stable")[:guesses]  # ties: random
    right = np.where(gap == 0, pairs.coins, gap > 0)
    correct = int(right[clearest].sum())
    epsilon = epsilon_lower_bound(guesses=guesses, correct=correct, confidence=confidence)
    return OneRunBound(epsilon, confidence, len(pairs), guesses, correct)
