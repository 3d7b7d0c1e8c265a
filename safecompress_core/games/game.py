"""The interface of games: ground truth, what an adversary holds, play and measurement.

An attacker only returns scores (or inputs, or labels); every measure is computed by the game, the
same way for all of its attackers, from arrays alone. What is chosen (a threshold, a baseline's
rule) is chosen on attack-train, never on what is reported.
"""

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import Any, ClassVar

from torch import Tensor

from safecompress_core.api import AttackerDef, AttackerParams, GameDef
from safecompress_core.attacks.adversary import Adversary, AdversaryKnowledge, Attacker
from safecompress_core.attacks.observed_pool import ObservedPool
from safecompress_core.attacks.own_samples import own_samples
from safecompress_core.data.dataset import Dataset
from safecompress_core.data.pools import Pool
from safecompress_core.games.attack_context import AttackRun
from safecompress_core.games.attack_result import AttackResult, GameResult
from safecompress_core.games.measures.membership_details import DetailOptions
from safecompress_core.games.scores import AttackScores, MeasureOptions
from safecompress_core.stats.intervals import CONFIDENCE

__all__ = ["Game", "ScoredGame"]

# N samples · V attribute values

NOTHING = 0.5
"""AUC of uninformative scores."""


class Game(ABC):
    """Game of adversaries: its ground truth, its play and its measures.

    Args:
        definition: names, measures and sentences of the game.

    Attributes:
        adversary: the class of the toolkit that its attackers implement.
        has_controls: whether the null and the planted-leak control apply to its attacks, and
            canaries: what they find out has to be membership.
    """

    adversary: ClassVar[type[Adversary]]
    has_controls: ClassVar[bool] = False

    def __init__(self, definition: GameDef) -> None:
        self.definition = definition

    @property
    def name(self) -> str:
        """Return the game's name in specs and results."""
        return self.definition.name

    def adversary_knowledge(
        self,
        observed: ObservedPool,
        definition: AttackerDef,
        params: AttackerParams,
        *,
        is_known: bool,
    ) -> AdversaryKnowledge:
        """Return the attacker's knowledge of a pool; by default non-members without any truth.

        Args:
            observed: the pool as the model shows it.
            definition: of the attacker.
            params: of the attacker.
            is_known: whether the truth is known to it, as on attack-train.
        """
        return own_samples(observed, definition, params)

    @abstractmethod
    def play(self, attack_run: AttackRun) -> GameResult:
        """Set a fitted attacker on a pool, and measure what it answers."""

    @abstractmethod
    def measure(self, *args: Any, **kwargs: Any) -> GameResult:
        """Measure answers against the truth, from arrays; no model and no attacker is needed."""


class ScoredGame(Game):
    """A game whose attackers score every sample of a pool."""

    adversary = Attacker

    @abstractmethod
    def truth(self, dataset: Dataset, pool: Pool, params: AttackerParams) -> tuple[Tensor, int]:
        """Return what is to be found out of a pool's samples, and how many values it can take.

        Raises:
            PoolError: if the data do not name them.
        """

    @abstractmethod
    def measure_one_way(
        self, known: AttackScores, asked: AttackScores, terms: MeasureOptions
    ) -> AttackResult:
        """Measure scores as they are; `measure_scores` also measures their reverse."""

    def adversary_knowledge(
        self,
        observed: ObservedPool,
        definition: AttackerDef,
        params: AttackerParams,
        *,
        is_known: bool,
    ) -> AdversaryKnowledge:
        """Return all samples of the pool at the attacker's access; the truth where known."""
        truth, values = self.truth(observed.dataset, observed.pool, params)
        return AdversaryKnowledge(
            seen=observed.seen,
            truth=truth if is_known else None,
            values=values,
            references=observed.references,
            uncompressed=observed.uncompressed,
            versions=observed.versions,
            twin=observed.twin,
        ).restrict(definition, params)

    def play(self, attack_run: AttackRun) -> AttackResult:
        """Have both pools scored, and measure the scores of the one that is reported."""
        return self.measure_scores(
            self.attack_scores(attack_run, attack_run.known),
            self.attack_scores(attack_run, attack_run.asked),
            threshold=attack_run.attacker.threshold,
            detail_options=attack_run.detail_options,
        )

    def attack_scores(self, attack_run: AttackRun, observed: ObservedPool) -> AttackScores:
        """An attacker's scores for a pool, with what is true of its samples."""
        # The truth goes into the measurement only; the attacker's knowledge is built without it.
        truth, _ = self.truth(observed.dataset, observed.pool, attack_run.params)
        knowledge = self.adversary_knowledge(
            observed, attack_run.definition, attack_run.params, is_known=False
        )
        return AttackScores(
            scores=attack_run.attacker.score(knowledge),
            truth=truth,
            labels=observed.seen.labels,
            is_member=observed.pool.is_member,
        )

    def measure_scores(
        self,
        known: AttackScores | None,
        asked: AttackScores,
        *,
        threshold: float | None = None,
        confidence: float = CONFIDENCE,
        detail_options: DetailOptions | None = None,
    ) -> AttackResult:
        """Measure an attack on a pool, and its reverse where it is inverted.

        An AUC whose whole interval is under 0.5 is no weakness: the scores distinguish the sides in
        reverse, and an adversary can negate them. So the negated scores are measured as well.

        Args:
            known: the attacker's answers on attack-train, on which thresholds and rules are chosen;
                None if the game chooses none.
            asked: its answers on the pool that is reported.
            threshold: the attacker's own, where it has one.
            confidence: of every interval.
            detail_options: of that pool, to have an attack on membership looked at closely.

        Raises:
            PoolError: if the pool has fewer than 2 members or 2 non-members.
            ValueError: if scores are of the wrong shape or not numbers, which is the attacker's
                fault.
        """
        terms = MeasureOptions(
            threshold=threshold, confidence=confidence, detail_options=detail_options
        )
        # Without attack-train there is a given threshold, so the first argument is not read.
        result = self.measure_one_way(known or asked, asked, terms)
        # Only a whole interval under 0.5 is evidence; half of all blind attacks are below it by
        # chance.
        if result.auc is None or result.auc.high >= NOTHING:
            return result
        return replace(result, reversed=self._measure_reversed(result, known, asked, terms))

    def _measure_reversed(
        self,
        result: AttackResult,
        known: AttackScores | None,
        asked: AttackScores,
        terms: MeasureOptions,
    ) -> AttackResult:
        """The stronger of two attacks with negated scores.

        One has a threshold that is chosen on attack-train; the other says the opposite of what the
        attack says, which counts where attack-train and the pool differ in direction.
        """
        # s > t becomes −s < −t: negating scores and threshold negates each decision, ties aside.
        opposite = None if result.threshold is None else -result.threshold
        thresholds = {opposite} if known is None else {None, opposite}
        # Both pools are negated, or a threshold would be calibrated in the wrong direction.
        before, after = (
            replace(answers, scores=-answers.scores) for answers in (known or asked, asked)
        )
        # Details are left out: they describe the attack as submitted.
        results = [
            self.measure_one_way(
                before, after, replace(terms, threshold=threshold, detail_options=None)
            )
            # Sorted, since a set has no order and ``max`` returns the first of equals.
            for threshold in sorted(thresholds, key=str)
        ]
        # The stronger one: an adversary would use it, so it bounds the risk.
        return max(results, key=lambda result: result.advantage.value)
