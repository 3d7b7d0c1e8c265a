"""Sets an attacker on a model: what it gets to know, what it is asked, how its answer is judged."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from safecompress_core.api import AttackerDef, AttackerParams, Game
from safecompress_core.attacks.adversary import Attacker, Evidence
from safecompress_core.attacks.observed_pool import Sight, look
from safecompress_core.attacks.own_samples import own_samples
from safecompress_core.attacks.public_features import encoding_of, public_columns
from safecompress_core.games.attack_context import Bout
from safecompress_core.games.attack_result import Judgement
from safecompress_core.games.evasion import evaded
from safecompress_core.games.extraction import extracted
from safecompress_core.games.game import ground_truth, judge
from safecompress_core.games.inversion import Reconstruction, inverted
from safecompress_core.games.membership_details import Lens
from safecompress_core.games.scores import Answers
from safecompress_core.seeding import Seed

__all__ = ["Attack", "Sight", "look"]

GUESSED = (Game.MEMBERSHIP, Game.ATTRIBUTE)
"""The games in which something is to be said of every sample."""

NO_CHANCE = Seed(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """An attack that a spec declares.

    Attributes:
        id: what results call it.
        definition: its type.
        params: its parameters.
    """

    id: str
    definition: AttackerDef
    params: AttackerParams

    @property
    def attribute(self) -> str | None:
        """The attribute that it is after; None for an attack on membership."""
        return getattr(self.params, "attribute", None)

    def evidence(self, sight: Sight, *, is_known: bool) -> Evidence:
        """What this attacker holds of a pool; the truth only where it is known to it."""
        if self.definition.game not in GUESSED:
            return own_samples(sight, self.definition, self.params)
        truth, values = ground_truth(
            self.definition.game, sight.dataset, sight.pool, attribute=self.attribute
        )
        evidence = Evidence(
            seen=sight.seen,
            truth=truth if is_known else None,
            values=values,
            references=sight.references,
            uncompressed=sight.uncompressed,
            versions=sight.versions,
        ).declared(self.definition, self.params)
        if self.definition.game is not Game.ATTRIBUTE:
            return evidence
        return self._of_strangers(evidence, sight, is_known=is_known)

    def _of_strangers(self, evidence: Evidence, sight: Sight, *, is_known: bool) -> Evidence:
        """The evidence of somebody who only knows of the samples what anyone may know."""
        columns = public_columns(sight.dataset, self._named)
        uncompressed = evidence.uncompressed
        return replace(
            evidence,
            seen=evidence.seen.showing(columns),
            uncompressed=None if uncompressed is None else uncompressed.showing(columns),
            versions=tuple(version.showing(columns) for version in evidence.versions),
            public=self._public(sight),
            encoding=encoding_of(sight.dataset.attributes[self._named]),
            is_member=sight.pool.is_member if is_known else None,
        )

    @property
    def _named(self) -> str:
        """The attribute of an attack that is after one."""
        assert self.attribute is not None  # ground_truth has said so otherwise
        return self.attribute

    def _public(self, sight: Sight) -> Tensor | None:
        """Public features of a pool, shape (N, P); None where the data have none."""
        columns = public_columns(sight.dataset, self._named)
        if not len(columns):
            return None
        return sight.dataset.inputs[sight.pool.indices].flatten(1)[:, columns]

    def judged(
        self,
        attacker: Any,
        known: Sight,
        asked: Sight,
        *,
        lens: Lens | None = None,
        seed: Seed = NO_CHANCE,
    ) -> Judgement:
        """How well a fitted attacker does on a pool; for every game that can select.

        Thresholds come from ``known`` alone. ``seed`` is of what chance there is while it attacks.
        """
        found = self.played(attacker, known, asked, lens=lens, seed=seed)
        assert isinstance(found, Judgement)  # the spec lets no other select
        return found

    def played(
        self,
        attacker: Any,
        known: Sight,
        asked: Sight,
        *,
        lens: Lens | None = None,
        seed: Seed = NO_CHANCE,
    ) -> Judgement | Reconstruction:
        """The same for every game."""
        bout = Bout(
            definition=self.definition,
            params=self.params,
            attacker=attacker,
            known=known,
            asked=asked,
            seed=seed,
            lens=lens,
        )
        return PLAYS[self.definition.game](self, bout)

    def guessed(self, bout: Bout) -> Judgement:
        """An attack that says of each sample what is true."""
        return judge(
            self.definition.game,
            self._answers(bout.attacker, bout.known),
            self._answers(bout.attacker, bout.asked),
            threshold=bout.attacker.threshold,
            lens=bout.lens,
        )

    def _answers(self, attacker: Attacker, sight: Sight) -> Answers:
        truth, _ = ground_truth(
            self.definition.game, sight.dataset, sight.pool, attribute=self.attribute
        )
        return Answers(
            scores=attacker.score(self.evidence(sight, is_known=False)),
            truth=truth,
            labels=sight.seen.labels,
            is_member=sight.pool.is_member,
            **self._background(sight),
        )

    def _background(self, sight: Sight) -> dict[str, Tensor | None]:
        """What the best guess without the model is made of, beside the label."""
        if self.definition.game is not Game.ATTRIBUTE:
            return {}
        numbers = sight.dataset.attributes[self._named].numbers
        return {
            "public": self._public(sight),
            "numbers": None if numbers is None else numbers[sight.pool.indices],
        }


PLAYS: Mapping[Game, Callable[[Attack, Bout], Judgement | Reconstruction]] = {
    Game.MEMBERSHIP: Attack.guessed,
    Game.ATTRIBUTE: Attack.guessed,
    Game.EVASION: lambda _, bout: evaded(bout),
    Game.INVERSION: lambda _, bout: inverted(bout),
    Game.EXTRACTION: lambda _, bout: extracted(bout),
}
"""Who asks a game's attackers, and judges what they answer."""
