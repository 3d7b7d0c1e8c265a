"""The games: what is true, and how an attack on it is judged.

Attackers only return scores; every measure is computed by the judges, the same way for all of
them. What is chosen (a threshold, a baseline's rule) is chosen on attack-train, never on what is
reported.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from torch import Tensor

from safecompress_core.api import Game
from safecompress_core.data.dataset import Dataset
from safecompress_core.data.pools import Pool
from safecompress_core.errors import PoolError
from safecompress_core.games.attack_result import Judgement
from safecompress_core.games.attribute import judge_attribute
from safecompress_core.games.membership import judge_membership
from safecompress_core.games.membership_details import Lens
from safecompress_core.games.scores import Answers, Terms
from safecompress_core.stats.intervals import CONFIDENCE

__all__ = ["ground_truth", "judge"]

# N samples · V attribute values

NOTHING = 0.5
"""AUC of scores that tell nothing."""

JUDGES: Mapping[Game, Callable[[Answers, Answers, Terms], Judgement]] = MappingProxyType(
    {Game.MEMBERSHIP: judge_membership, Game.ATTRIBUTE: judge_attribute}
)


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
    threshold: float | None = None,
    confidence: float = CONFIDENCE,
    lens: Lens | None = None,
) -> Judgement:
    """Measure an attack on a pool, and its reverse where it is inverted.

    An AUC whose whole interval is under 0.5 is no weakness: the scores tell the sides apart, the
    wrong way round, and an adversary can turn them. So the negated scores are judged as well.

    Args:
        game: what was attacked.
        known: the attacker's answers on attack-train, on which thresholds and rules are chosen.
        asked: its answers on the pool that is reported.
        threshold: the attacker's own, where it has one.
        confidence: of every interval.
        lens: of that pool, to have an attack on membership looked at closely.

    Raises:
        PoolError: if the pool has fewer than 2 members or 2 non-members.
        ValueError: if scores are of the wrong shape or not numbers, which is the attacker's fault.
    """
    terms = Terms(threshold=threshold, confidence=confidence, lens=lens)
    judgement = JUDGES[game](known, asked, terms)
    if judgement.auc is None or judgement.auc.high >= NOTHING:
        return judgement
    return replace(judgement, reversed=_reversed(judgement, known, asked, terms))


def _reversed(judgement: Judgement, known: Answers, asked: Answers, terms: Terms) -> Judgement:
    """The stronger of two attacks with negated scores.

    One has a threshold that is chosen on attack-train; the other says the opposite of what the
    attack says, which counts where attack-train and the pool differ in direction.
    """
    known, asked = (replace(answers, scores=-answers.scores) for answers in (known, asked))
    thresholds = {None, None if judgement.threshold is None else -judgement.threshold}
    found = [
        JUDGES[judgement.game](known, asked, replace(terms, threshold=threshold, lens=None))
        for threshold in sorted(thresholds, key=str)
    ]
    return max(found, key=lambda one: one.advantage.value)
