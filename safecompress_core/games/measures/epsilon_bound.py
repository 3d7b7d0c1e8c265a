"""Lower bounds on the ε of differential privacy, from the one training that there was.

Steinke, Nasr & Jagielski bound how often an adversary may guess correctly which samples were
trained on, if a fair coin decided for each. Our pools are split at random, but to a fixed size, so
the coins of single samples are neither fair nor independent. Those of *pairs* are: pair members
with non-members of the same task label at random, and given the pairs, each of the two was as
likely the member,
independently of all other pairs. The adversary says of each pair which one it is.

What a bound says: with the stated confidence, no ε smaller than it holds at that δ for this
procedure as a whole (training, compression and choice), where neighbours differ by one sample
*replaced* by another. Under adding or removing one sample, ε is at least half of it.

What it does not say: nothing is promised from above, since a stronger attack may find more; and it
is about samples like those of the pool, not about the worst that there could be.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from safecompress_core.stats.intervals import CONFIDENCE
from safecompress_core.stats.one_run_epsilon import choose_guesses
from safecompress_core.stats.roc import Array

__all__ = [
    "DELTA",
    "GUESSES",
    "SHARES",
    "GuessOptions",
    "MatchedPairs",
    "OneRunBound",
    "one_run_bound",
]

# N samples · K pairs

SHARES = (0.1, 0.25, 0.5)
"""Shares of pairs that are guessed, unless the spec says otherwise."""
DELTA = 1e-5
"""δ of the bounds, unless the spec says otherwise."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class GuessOptions:
    """Terms of a bound on ε, stated before any attack is examined.

    Attributes:
        shares: of pairs that are guessed, in (0, 1]; the best number counts, and the confidence of
            each allows for the choice.
        delta: δ, in [0, 1).
    """

    shares: Sequence[float] = SHARES
    delta: float = DELTA


GUESSES = GuessOptions()


@dataclass(frozen=True, slots=True, kw_only=True)
class OneRunBound:
    """Lower bounds on ε that the guesses of one attack prove.

    Attributes:
        epsilon: the lower bound; 0 where they prove nothing.
        gaussian: the same if the procedure is as private as a Gaussian mechanism; None for a δ of
            0.
        delta: δ of both.
        confidence: one-sided, of each.
        pairs: K.
        guesses: r, how many of them were guessed.
        correct: v, how many of the guesses are right.
    """

    epsilon: float
    gaussian: float | None
    delta: float
    confidence: float
    pairs: int
    guesses: int
    correct: int

    def to_json(self) -> dict[str, Any]:
        """Return both bounds, δ, the confidence and the counts."""
        return {
            "lower_bound": self.epsilon,
            "gaussian_lower_bound": self.gaussian,
            "delta": self.delta,
            "confidence": self.confidence,
            "pairs": self.pairs,
            "guesses": self.guesses,
            "correct": self.correct,
        }


def one_run_bound(
    scores: Array,
    pairs: MatchedPairs,
    *,
    options: GuessOptions = GUESSES,
    confidence: float = CONFIDENCE,
) -> OneRunBound | None:
    """Guess, of the pairs that the scores part most clearly, that the higher one is the member.

    Clarity is a difference of ranks in the pool, so that only the order of scores counts, as for
    AUC. A gap is the same whichever of the two is the member, so choosing by it chooses nothing by
    the truth.

    Args:
        scores: of all N samples of the pool, higher means more likely a member.
        pairs: of the same pool.
        options: numbers of guesses, and δ.
        confidence: of each bound.

    Returns:
        The bounds; None if there is no pair.
    """
    # No label has members and non-members, so there is nothing to guess.
    if not len(pairs):
        return None
    ranks = rankdata(scores)  # ties share their mean rank
    gap = ranks[pairs.members] - ranks[pairs.non_members]
    clearest = np.argsort(-np.abs(gap), kind="stable")  # ties: random
    right = np.where(gap == 0, pairs.coins, gap > 0)[clearest]
    best = choose_guesses(right, shares=options.shares, delta=options.delta, confidence=confidence)
    return OneRunBound(
        epsilon=best.epsilon,
        gaussian=best.gaussian,
        delta=options.delta,
        confidence=confidence,
        pairs=len(pairs),
        guesses=best.guesses,
        correct=best.correct,
    )
